using Parry.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Parry.Models.Onnx;

/// <summary>
/// A value of a graph: a tensor, and what it holds as plain numbers for operators that are told sizes, axes or amounts
/// by one.
/// </summary>
internal sealed class OnnxValue(Tensor tensor, OnnxType type = OnnxType.Undefined)
{
    private long[]? _integers;
    private double? _number;

    public Tensor Tensor { get; } = tensor;

    /// <summary>The type in the file, where a tensor's own is larger.</summary>
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
                ? Tensor.ToDouble()
                : throw new InvalidDataException($"one number was expected where there is {Tensor.Describe()}");

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
/// What a node does with its inputs, null for one left out; one tensor for each output, of which the last may be
/// missing.
/// </summary>
internal delegate Tensor[] OnnxKernel(OnnxValue?[] inputs);
