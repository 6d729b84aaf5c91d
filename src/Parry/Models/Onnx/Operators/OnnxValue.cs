using Parry.Models.Onnx.Files;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Models.Onnx.Operators;

/// <summary>
/// A value of a graph: a tensor, and its elements as plain numbers for operators that take sizes, axes or amounts.
/// </summary>
internal sealed class OnnxValue(Tensor tensor, OnnxType type = OnnxType.Undefined)
{
    private long[]? _integers;
    private double? _number;

    public Tensor Tensor { get; } = tensor;

    /// <summary>The type in the file, where that of the tensor is larger.</summary>
    public OnnxType Type { get; } = type;

    /// <summary>The elements as integers.</summary>
    public long[] Integers
    {
        get
        {
            if (_integers is not null)
                return _integers;
            using Tensor converted = Tensor.to(ScalarType.Int64, copy: true);
            return _integers = converted.ToArray<long>();
        }
    }

    /// <summary>The only element.</summary>
    public double Number =>
        _number ??=
            Tensor.numel() == 1
                ? Tensor.Item()
                : throw new InvalidDataException($"expected one number, got {Tensor.Describe()}");

    /// <summary>The elements as floating-point numbers.</summary>
    public double[] Numbers
    {
        get
        {
            using Tensor converted = Tensor.to(ScalarType.Float64, copy: true);
            return converted.ToArray<double>();
        }
    }
}

/// <summary>
/// Computes the outputs of a node from its inputs, which are null if omitted; one tensor for each output, of which the
/// last may be missing.
/// </summary>
internal delegate Tensor[] OnnxKernel(OnnxValue?[] inputs);
