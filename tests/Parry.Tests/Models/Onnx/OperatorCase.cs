using static TorchSharp.torch;

namespace Parry.Tests.Models.Onnx;

/// <summary>An operator with inputs, in all versions from one on.</summary>
internal sealed record OperatorCase(
    string Name,
    string Type,
    int From,
    Func<Tensor?[]> Inputs,
    params (string Name, object Value)[] Attributes
)
{
    public int To { get; init; } = 24;

    public int Outputs { get; init; } = 1;
}
