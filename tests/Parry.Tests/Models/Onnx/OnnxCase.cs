using Parry.Models.Onnx.Files;
using Parry.Models.Onnx.Operators;
using static TorchSharp.torch;

namespace Parry.Tests.Models.Onnx;

/// <summary>One node, as a test describes it.</summary>
internal sealed record OnnxCase(int Opset, string Type, int Outputs, params (string Name, object Value)[] Attributes)
{
    /// <summary>A file with the node and nothing else.</summary>
    public OnnxBuilder Builder(string[] inputs) =>
        new OnnxBuilder(Opset).Node(Type, inputs, [.. Enumerable.Range(0, Outputs).Select(i => $"o{i}")], Attributes);

    /// <summary>What Parry makes of its inputs.</summary>
    public Tensor[] Run(params Tensor?[] inputs)
    {
        byte[] file = Builder([.. inputs.Select((input, i) => input is null ? "" : $"i{i}")]).Build();
        OnnxNode node = OnnxFile.Read(file).Nodes[0];
        return OnnxOperators.Make(node)([.. inputs.Select(input => input is null ? null : new OnnxValue(input))]);
    }

    public override string ToString() =>
        $"{Type} of opset {Opset} ({string.Join(", ", Attributes.Select(attribute => attribute.Name))})";
}
