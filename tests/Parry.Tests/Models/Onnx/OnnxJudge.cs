using Microsoft.ML.OnnxRuntime;
using Parry.Models;
using Parry.Models.Onnx.Files;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Models.Onnx;

/// <summary>ONNX Runtime's word on what a file gives: graphs run as they stand, unoptimized.</summary>
internal sealed class OnnxJudge : IDisposable
{
    private const double Tolerance = 1e-4;
    private const OrtLoggingLevel Quiet = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL;

    private static readonly Lazy<OrtEnv> s_environment = new(Start);

    private readonly InferenceSession _session;

    /// <summary>Reads a file that has its constants within.</summary>
    public OnnxJudge(byte[] file)
    {
        _ = s_environment.Value;
        using SessionOptions options = Options();
        _session = new InferenceSession(file, options);
    }

    /// <summary>Reads a file, and those beside it that it names.</summary>
    public OnnxJudge(string path)
    {
        _ = s_environment.Value;
        using SessionOptions options = Options();
        _session = new InferenceSession(path, options);
    }

    /// <summary>The number by which ONNX files know the type of a tensor's elements.</summary>
    public static int TypeOf(Tensor tensor) =>
        (int)(
            tensor.dtype switch
            {
                ScalarType.Float32 => OnnxType.Float,
                ScalarType.Byte => OnnxType.UInt8,
                ScalarType.Int8 => OnnxType.Int8,
                ScalarType.Int32 => OnnxType.Int32,
                ScalarType.Int64 => OnnxType.Int64,
                ScalarType.Bool => OnnxType.Bool,
                ScalarType.Float64 => OnnxType.Double,
                var other => throw new ArgumentException($"no test has had {other}"),
            }
        );

    /// <summary>What a model of images gives, as its file says it, is what Parry gives.</summary>
    /// <param name="path">A file with one input and one output of fractions.</param>
    /// <param name="shape">Of the images.</param>
    /// <returns>The largest difference, of values beyond one relative to them.</returns>
    public static double Agrees(string path, ImageShape shape)
    {
        // Outputs as they are: no softmax is taken off, and nothing is turned into logits.
        var plain = new InputContract
        {
            Outputs = OutputKind.Logits,
            Mean = [0],
            Std = [1],
            Range = (0, 1),
        };
        using OpenedModel opened = ModelCatalog.Open(path, plain, shape);
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        using var random = new Generator(11);
        OnnxFile file = OnnxFile.Read(path);
        string output = Assert.Single(file.Outputs, made => made.Type == OnnxType.Float).Name;
        OnnxPort port = Assert.Single(file.Inputs);
        long[] sizes = port.Shape!;
        shape = opened.Model.Shape;
        Tensor images = rand([5, shape.Channels, shape.Height, shape.Width], generator: random);
        Tensor given = opened.Contract.Layout == ImageLayout.Nhwc ? images.permute(0, 2, 3, 1) : images;
        if (sizes.Length == 2)
            given = given.reshape(images.size(0), -1);

        using var judge = new OnnxJudge(path);
        long batch = sizes[0] > 0 ? sizes[0] : images.size(0);
        var rows = new List<Tensor>();
        for (long from = 0; from + batch <= images.size(0); from += batch)
            rows.Add(judge.Run(new() { [port.Name] = given.slice(0, from, from + batch, 1) }, output));
        Assert.NotEmpty(rows);

        Tensor theirs = cat([.. rows]).to(ScalarType.Float32);
        Tensor ours = ((IClassifier)opened.Model).Logits(images.slice(0, 0, theirs.size(0), 1));

        // One score tells two classes apart: Parry gives each half of it.
        if (theirs.numel() == theirs.size(0))
            ours = ours.slice(1, 1, 2, 1) * 2.0;
        return Agrees(theirs.reshape(theirs.size(0), -1), ours);
    }

    /// <summary>Two tensors are one and the same to four digits.</summary>
    /// <returns>The largest difference, of values beyond one relative to them.</returns>
    public static double Agrees(Tensor theirs, Tensor ours)
    {
        Assert.Equal(theirs.shape, ours.shape);
        double[] expected = theirs.to(ScalarType.Float64).ToArray<double>();
        double[] got = ours.to(ScalarType.Float64).contiguous().ToArray<double>();
        double worst = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            if (got[i].Equals(expected[i]))
                continue;
            double difference = Math.Abs(got[i] - expected[i]) / Math.Max(1, Math.Abs(expected[i]));
            Assert.True(difference <= Tolerance, $"element {i} is {got[i]}, and {expected[i]} by ONNX Runtime");
            worst = Math.Max(worst, difference);
        }

        return worst;
    }

    /// <summary>An output, which the caller owns.</summary>
    public Tensor Run(Dictionary<string, Tensor> inputs, string output)
    {
        using var options = new RunOptions { LogSeverityLevel = Quiet };
        Dictionary<string, OrtValue> values = inputs.ToDictionary(pair => pair.Key, pair => ToValue(pair.Value));
        try
        {
            using IDisposableReadOnlyCollection<OrtValue> outputs = _session.Run(options, values, [output]);
            return ToTensor(outputs[0]);
        }
        finally
        {
            foreach (OrtValue value in values.Values)
                value.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _session.Dispose();

    private static OrtEnv Start()
    {
        var options = new EnvironmentCreationOptions { logId = "judge", logLevel = Quiet };
        return OrtEnv.CreateInstanceWithOptions(ref options);
    }

    private static SessionOptions Options() =>
        new()
        {
            LogSeverityLevel = Quiet,
            IntraOpNumThreads = 1,
            InterOpNumThreads = 1,
            GraphOptimizationLevel = GraphOptimizationLevel.ORT_DISABLE_ALL,
        };

    private static OrtValue ToValue(Tensor tensor)
    {
        using Tensor whole = tensor.contiguous();
        return tensor.dtype switch
        {
            ScalarType.Float32 => Of<float>(),
            ScalarType.Float64 => Of<double>(),
            ScalarType.Int64 => Of<long>(),
            ScalarType.Int32 => Of<int>(),
            ScalarType.Byte => Of<byte>(),
            ScalarType.Bool => Of<bool>(),
            var other => throw new ArgumentException($"no test has given {other}"),
        };

        OrtValue Of<T>()
            where T : unmanaged => OrtValue.CreateTensorValueFromMemory(whole.ToArray<T>(), tensor.shape);
    }

    private static Tensor ToTensor(OrtValue value)
    {
        OrtTensorTypeAndShapeInfo kind = value.GetTensorTypeAndShape();
        return kind.ElementDataType switch
        {
            Microsoft.ML.OnnxRuntime.Tensors.TensorElementType.Float => tensor(
                value.GetTensorDataAsSpan<float>().ToArray(),
                kind.Shape
            ),
            Microsoft.ML.OnnxRuntime.Tensors.TensorElementType.Int64 => tensor(
                value.GetTensorDataAsSpan<long>().ToArray(),
                kind.Shape
            ),
            Microsoft.ML.OnnxRuntime.Tensors.TensorElementType.Double => tensor(
                value.GetTensorDataAsSpan<double>().ToArray(),
                kind.Shape
            ),
            Microsoft.ML.OnnxRuntime.Tensors.TensorElementType.Int32 => tensor(
                value.GetTensorDataAsSpan<int>().ToArray(),
                kind.Shape
            ),
            Microsoft.ML.OnnxRuntime.Tensors.TensorElementType.UInt8 => tensor(
                value.GetTensorDataAsSpan<byte>().ToArray(),
                kind.Shape
            ),
            Microsoft.ML.OnnxRuntime.Tensors.TensorElementType.Bool => tensor(
                value.GetTensorDataAsSpan<bool>().ToArray(),
                kind.Shape
            ),
            var other => throw new ArgumentException($"no test has made {other}"),
        };
    }
}
