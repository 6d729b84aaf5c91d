using Microsoft.ML.OnnxRuntime;
using static TorchSharp.torch;

namespace Parry.Tests.Models.Onnx;

/// <summary>Operators in every version that Parry reads, judged by ONNX Runtime.</summary>
public class OnnxRuntimeOperatorTests
{
    private static readonly Dictionary<string, OperatorCase> s_cases = OperatorCases
        .All()
        .ToDictionary(one => one.Name);

    /// <summary>What ONNX Runtime itself refuses, and why.</summary>
    private static readonly Dictionary<string, string> s_refused = new()
    {
        ["LRN of an even size"] = "its LRN takes odd sizes only",
        ["Conv with dilation to the same size"] = "its SAME_UPPER and SAME_LOWER do without dilation",
    };

    public static TheoryData<string> Names { get; } = [.. s_cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void An_operator_gives_the_same_in_both_in_all_of_its_versions(string name)
    {
        OperatorCase one = s_cases[name];
        for (int opset = one.From; opset <= one.To; opset++)
        {
            using var scope = NewDisposeScope();
            var node = new OnnxCase(opset, one.Type, one.Outputs, one.Attributes);
            void Judge() => Agree(node, one.Inputs());
            if (s_refused.ContainsKey(name))
                Assert.Throws<OnnxRuntimeException>(Judge);
            else
                Judge();
        }
    }

    // Both run one node; an input of null is left out.
    private static void Agree(OnnxCase node, Tensor?[] inputs)
    {
        using var frozen = no_grad();
        Tensor[] ours = node.Run(inputs);
        string[] names = [.. inputs.Select((input, i) => input is null ? "" : $"i{i}")];
        OnnxBuilder builder = node.Builder(names);
        var given = new Dictionary<string, Tensor>();
        for (int i = 0; i < inputs.Length; i++)
        {
            if (inputs[i] is not { } input)
                continue;
            given.Add(names[i], input);
            builder.TypedInput(names[i], OnnxJudge.TypeOf(input), input.shape);
        }

        for (int i = 0; i < node.Outputs; i++)
            builder.TypedOutput($"o{i}", 0);
        using var judge = new OnnxJudge(builder.Build());
        for (int i = 0; i < node.Outputs; i++)
            OnnxJudge.Agrees(judge.Run(given, $"o{i}"), ours[i]);
    }
}
