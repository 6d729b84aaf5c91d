using Parry.Models.Onnx;
using Parry.Models.Onnx.Files;
using Parry.Models.Onnx.Operators;
using Parry.Runtime;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace Parry.Tests.Models.Onnx;

/// <summary>
/// ONNX's own tests of single operators, where a folder with them is given: PARRY_ONNX_CASES holds one folder a test,
/// with model.onnx, input_0.pb, … and output_0.pb, …, as onnx.backend.test writes them.
/// </summary>
public class OnnxConformanceTests(ITestOutputHelper log)
{
    private static readonly string? s_folder = Environment.GetEnvironmentVariable("PARRY_ONNX_CASES");

    // What Parry says it does not do: strings, pools of other than two dimensions, padding of integers by reflection,
    // opsets before 7, training.
    private static readonly string[] s_limits =
    [
        "support",
        "cannot be told",
        "String",
        "expected two dimensions",
        "not implemented for",
        "expected 7 to",
        "training mode",
    ];

    // Their expected outputs wrap around where ONNX's text, and ONNX Runtime, saturate.
    private static readonly string[] s_misprinted =
    [
        "test_qlinearmatmul_2D_int8_float16",
        "test_qlinearmatmul_2D_int8_float32",
        "test_qlinearmatmul_3D_int8_float16",
        "test_qlinearmatmul_3D_int8_float32",
    ];

    [CasesFact]
    public void Supported_operators_give_what_ONNX_says()
    {
        int right = 0;
        int unsupported = 0;
        var wrong = new List<string>();
        foreach (
            string folder in Directory
                .GetDirectories(s_folder!)
                .Where(folder => !folder.Contains("BFLOAT16", StringComparison.Ordinal))
                .Where(folder => !s_misprinted.Contains(Path.GetFileName(folder)))
                .Order(StringComparer.Ordinal)
        )
        {
            switch (Check(folder))
            {
                case null:
                    right++;
                    break;
                case "":
                    unsupported++;
                    break;
                case var why:
                    wrong.Add($"{Path.GetFileName(folder)}: {why}");
                    break;
            }
        }

        log.WriteLine($"{right} right, {unsupported} not supported, {wrong.Count} wrong");
        Assert.True(
            right > 0 && wrong.Count == 0,
            $"{right} right, {unsupported} not supported, {wrong.Count} wrong:\n{string.Join('\n', wrong)}"
        );
    }

    // Null for right, empty for not supported, else what is wrong.
    private static string? Check(string folder)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        try
        {
            OnnxFile file = OnnxFile.Read(Path.Combine(folder, "model.onnx"));
            if (
                !file.Nodes.TrueForAll(OnnxOperators.Knows)
                || file.Inputs.Exists(port => port.Type == OnnxType.Undefined)
            )
                return "";
            var values = new Dictionary<string, OnnxValue>();
            foreach (OnnxTensor constant in file.Initializers)
                values[constant.Name] = new OnnxValue(constant.Read(), constant.Type);
            for (int i = 0; i < file.Inputs.Count; i++)
            {
                string path = Path.Combine(folder, $"input_{i}.pb");
                if (!File.Exists(path))
                    return "";
                var tensor = new OnnxTensor(File.ReadAllBytes(path), null);
                values[file.Inputs[i].Name] = new OnnxValue(tensor.Read(), tensor.Type);
            }

            foreach (OnnxNode node in file.Nodes)
            {
                Tensor[] made = OnnxGraph.Run(
                    node,
                    OnnxGraph.Make(node),
                    [.. node.Inputs.Select(name => name.Length == 0 ? null : values[name])]
                );
                for (int i = 0; i < Math.Min(made.Length, node.Outputs.Length); i++)
                    values[node.Outputs[i]] = new OnnxValue(made[i]);
            }

            for (int i = 0; i < file.Outputs.Count; i++)
            {
                using Tensor expected = new OnnxTensor(
                    File.ReadAllBytes(Path.Combine(folder, $"output_{i}.pb")),
                    null
                ).Read();
                if (!values.TryGetValue(file.Outputs[i].Name, out OnnxValue? got))
                    continue;
                if (!expected.shape.SequenceEqual(got.Tensor.shape))
                    return $"{got.Tensor.Describe()} where {expected.Describe()} was expected";
                double[] ours = got.Numbers;
                double[] theirs = expected.to(ScalarType.Float64).ToArray<double>();
                double worst = ours.Zip(theirs, (a, b) => a.Equals(b) ? 0 : Math.Abs(a - b) / Math.Max(1, Math.Abs(b)))
                    .DefaultIfEmpty(0)
                    .Max();
                if (!(worst < 1e-3))
                    return $"output {i} differs by {worst}";
            }

            return null;
        }
        catch (InvalidDataException e)
            when (Array.Exists(s_limits, limit => e.Message.Contains(limit, StringComparison.Ordinal)))
        {
            return "";
        }
        catch (Exception e)
        {
            return e.Message;
        }
    }

    private sealed class CasesFactAttribute : FactAttribute
    {
        public CasesFactAttribute()
        {
            if (s_folder is null)
                Skip = "PARRY_ONNX_CASES names no folder of ONNX's operator tests.";
        }
    }
}
