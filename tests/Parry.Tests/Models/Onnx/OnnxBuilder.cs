using System.Runtime.InteropServices;
using Google.Protobuf;

namespace Parry.Tests.Models.Onnx;

/// <summary>Writes small ONNX files, right ones and wrong ones, message by message.</summary>
internal sealed class OnnxBuilder
{
    private readonly List<byte[]> _nodes = [];
    private readonly List<byte[]> _constants = [];
    private readonly List<byte[]> _inputs = [];
    private readonly List<byte[]> _outputs = [];
    private readonly List<(string Key, string Value)> _metadata = [];
    private readonly int _opset;
    private int _made;

    public OnnxBuilder(int opset = 17) => _opset = opset;

    /// <summary>A graph from images x of 1x4x4 to scores y, without nodes yet.</summary>
    public static OnnxBuilder Classifier(int classes = 2, int opset = 17) =>
        new OnnxBuilder(opset).Input("x", -1, 1, 4, 4).Output("y", -1, classes);

    public OnnxBuilder Input(string name, params long[] shape) => TypedInput(name, 1, shape);

    public OnnxBuilder TypedInput(string name, int type, params long[] shape)
    {
        _inputs.Add(Port(name, type, shape));
        return this;
    }

    public OnnxBuilder Output(string name, params long[] shape) => TypedOutput(name, 1, shape);

    /// <summary>An output of a type by ONNX's number; 0 leaves it to whoever reads the file.</summary>
    public OnnxBuilder TypedOutput(string name, int type, params long[] shape)
    {
        _outputs.Add(Port(name, type, shape));
        return this;
    }

    public OnnxBuilder Metadata(string key, string value)
    {
        _metadata.Add((key, value));
        return this;
    }

    public OnnxBuilder Floats(string name, float[] values, params long[] shape) =>
        Constant(name, 1, MemoryMarshal.AsBytes<float>(values).ToArray(), shape);

    public OnnxBuilder Longs(string name, params long[] values) =>
        Constant(name, 7, MemoryMarshal.AsBytes<long>(values).ToArray(), values.Length);

    public OnnxBuilder Constant(string name, int type, byte[] raw, params long[] shape)
    {
        _constants.Add(TensorMessage(name, type, raw, shape));
        return this;
    }

    /// <summary>A constant that lies in another file.</summary>
    public OnnxBuilder External(string name, string location, long[] shape, long offset = 0, long? length = null)
    {
        _constants.Add(
            Message(m =>
            {
                foreach (long size in shape)
                    Put(m, 1, size);
                Put(m, 2, 1);
                Put(m, 8, name);
                foreach (
                    var (key, value) in new[]
                    {
                        ("location", location),
                        ("offset", $"{offset}"),
                        ("length", length is null ? "" : $"{length}"),
                    }.Where(pair => pair.Item2.Length > 0)
                )
                    Put(
                        m,
                        13,
                        Message(pair =>
                        {
                            Put(pair, 1, key);
                            Put(pair, 2, value);
                        })
                    );
                Put(m, 14, 1);
            })
        );
        return this;
    }

    /// <summary>Adds a node: attributes are a long, long[], float, float[] or string.</summary>
    public OnnxBuilder Node(
        string type,
        string[] inputs,
        string[] outputs,
        params (string Name, object Value)[] attributes
    )
    {
        string domain = type.Contains('.', StringComparison.Ordinal) ? type[..type.LastIndexOf('.')] : "";
        _nodes.Add(
            Message(m =>
            {
                foreach (string input in inputs)
                    Put(m, 1, input);
                foreach (string output in outputs)
                    Put(m, 2, output);
                Put(m, 3, $"node{++_made}");
                Put(m, 4, type[(type.LastIndexOf('.') + 1)..]);
                if (domain.Length > 0)
                    Put(m, 7, domain);
                foreach (var (name, value) in attributes)
                    Put(m, 5, Attribute(name, value));
            })
        );
        return this;
    }

    public byte[] Build() =>
        Message(m =>
        {
            Put(m, 1, 8);
            Put(
                m,
                7,
                Message(graph =>
                {
                    foreach (byte[] node in _nodes)
                        Put(graph, 1, node);
                    foreach (byte[] constant in _constants)
                        Put(graph, 5, constant);
                    foreach (byte[] input in _inputs)
                        Put(graph, 11, input);
                    foreach (byte[] output in _outputs)
                        Put(graph, 12, output);
                })
            );
            Put(m, 8, Message(set => Put(set, 2, _opset)));
            Put(
                m,
                8,
                Message(set =>
                {
                    Put(set, 1, "ai.onnx.ml");
                    Put(set, 2, 3);
                })
            );
            foreach (var (key, value) in _metadata)
                Put(
                    m,
                    14,
                    Message(pair =>
                    {
                        Put(pair, 1, key);
                        Put(pair, 2, value);
                    })
                );
        });

    public string Save(string folder, string name = "model.onnx")
    {
        string path = Path.Combine(folder, name);
        File.WriteAllBytes(path, Build());
        return path;
    }

    public static byte[] TensorMessage(string name, int type, byte[] raw, params long[] shape) =>
        Message(m =>
        {
            foreach (long size in shape)
                Put(m, 1, size);
            Put(m, 2, type);
            Put(m, 8, name);
            Put(m, 9, raw);
        });

    private static byte[] Attribute(string name, object value) =>
        Message(m =>
        {
            Put(m, 1, name);
            switch (value)
            {
                case long integer:
                    Put(m, 3, integer);
                    break;
                case int integer:
                    Put(m, 3, integer);
                    break;
                case float number:
                    m.WriteTag(2, WireFormat.WireType.Fixed32);
                    m.WriteFloat(number);
                    break;
                case string text:
                    Put(m, 4, text);
                    break;
                case byte[] tensor:
                    Put(m, 5, tensor);
                    break;
                case long[] integers:
                    foreach (long integer in integers)
                        Put(m, 8, integer);
                    break;
                case float[] numbers:
                    Put(m, 7, MemoryMarshal.AsBytes<float>(numbers).ToArray());
                    break;
                default:
                    throw new ArgumentException($"no attribute can be {value.GetType()}");
            }

            // Which of them it is must stand there as well.
            Put(
                m,
                20,
                value switch
                {
                    float => 1,
                    long or int => 2,
                    string => 3,
                    byte[] => 4,
                    float[] => 6,
                    _ => 7,
                }
            );
        });

    private static byte[] Port(string name, int type, long[] shape) =>
        Message(m =>
        {
            Put(m, 1, name);
            if (type == 0)
                return;
            Put(
                m,
                2,
                Message(outer =>
                    Put(
                        outer,
                        1,
                        Message(tensor =>
                        {
                            Put(tensor, 1, type);
                            Put(
                                tensor,
                                2,
                                Message(sizes =>
                                {
                                    foreach (long size in shape)
                                        Put(
                                            sizes,
                                            1,
                                            Message(dimension =>
                                            {
                                                if (size >= 0)
                                                    Put(dimension, 1, size);
                                                else
                                                    Put(dimension, 2, "N");
                                            })
                                        );
                                })
                            );
                        })
                    )
                )
            );
        });

    private static byte[] Message(Action<CodedOutputStream> write)
    {
        using var memory = new MemoryStream();
        using (var output = new CodedOutputStream(memory, leaveOpen: true))
            write(output);
        return memory.ToArray();
    }

    private static void Put(CodedOutputStream output, int field, long value)
    {
        output.WriteTag(field, WireFormat.WireType.Varint);
        output.WriteInt64(value);
    }

    private static void Put(CodedOutputStream output, int field, string value)
    {
        output.WriteTag(field, WireFormat.WireType.LengthDelimited);
        output.WriteString(value);
    }

    private static void Put(CodedOutputStream output, int field, byte[] value)
    {
        output.WriteTag(field, WireFormat.WireType.LengthDelimited);
        output.WriteBytes(ByteString.CopyFrom(value));
    }
}
