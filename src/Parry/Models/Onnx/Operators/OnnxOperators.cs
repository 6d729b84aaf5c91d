using Parry.Models.Onnx.Files;
using static TorchSharp.torch;

namespace Parry.Models.Onnx.Operators;

/// <summary>
/// The operators of ONNX on LibTorch, by name: elementwise ones here, the others in files of their families.
/// </summary>
internal static class OnnxOperators
{
    private static readonly Dictionary<string, Func<OnnxNode, OnnxKernel>> s_all = new()
    {
        // Arithmetic
        ["Add"] = _ => Binary((a, b) => a + b),
        ["Sub"] = _ => Binary((a, b) => a - b),
        ["Mul"] = _ => Binary((a, b) => a * b),
        ["Div"] = _ => Binary((a, b) => IsInteger(a) ? a.div(b, RoundingMode.trunc) : a / b),
        ["Mod"] = node => node.Flag("fmod") ? Binary((a, b) => a.fmod(b)) : Binary((a, b) => a.remainder(b)),
        ["Pow"] = _ =>
            inputs =>
                [
                    inputs.At(1).Tensor.numel() == 1
                        ? inputs.At(0).Tensor.pow(inputs.At(1).Number)
                        : inputs.At(0).Tensor.pow(Bounded(inputs.At(0).Tensor, inputs.At(1).Tensor)),
                ],
        ["Sum"] = _ => Variadic((a, b) => a + b),
        ["Mean"] = _ => inputs => [Variadic((a, b) => a + b)(inputs)[0] / (double)inputs.Length],
        ["Max"] = _ => Variadic((a, b) => a.maximum(b)),
        ["Min"] = _ => Variadic((a, b) => a.minimum(b)),
        ["Neg"] = _ => Unary(x => -x),
        ["Abs"] = _ => Unary(x => x.abs()),
        ["Sign"] = _ => Unary(x => x.sign()),
        ["Sqrt"] = _ => Unary(x => x.sqrt()),
        ["Exp"] = _ => Unary(x => x.exp()),
        ["Log"] = _ => Unary(x => x.log()),
        ["Erf"] = _ => Unary(x => x.erf()),
        ["Shrink"] = node =>
            Unary(
                (Lambda: node.Float("lambd", 0.5), Bias: node.Float("bias", 0)),
                (x, with) => (x.abs() - with.Bias) * x.sign() * x.abs().gt(with.Lambda).to(x.dtype)
            ),
        ["Sin"] = _ => Unary(x => x.sin()),
        ["Cos"] = _ => Unary(x => x.cos()),
        ["Reciprocal"] = _ => Unary(x => x.reciprocal()),
        ["Floor"] = _ => Unary(x => x.floor()),
        ["Ceil"] = _ => Unary(x => x.ceil()),
        ["Round"] = _ => Unary(x => x.round()),
        ["Clip"] = Clip,

        // Activations
        ["Relu"] = _ => Unary(x => x.relu()),
        ["LeakyRelu"] = node => Unary(node.Float("alpha", 0.01), (x, alpha) => nn.functional.leaky_relu(x, alpha)),
        ["PRelu"] = _ =>
            inputs =>
                [
                    where(
                        inputs.At(0).Tensor.lt(0.0),
                        inputs.At(0).Tensor * Bounded(inputs.At(0).Tensor, inputs.At(1).Tensor),
                        inputs.At(0).Tensor
                    ),
                ],
        ["Elu"] = node => Unary(node.Float("alpha", 1), (x, alpha) => x.elu(alpha)),
        ["Selu"] = node =>
            Unary(
                (
                    Alpha: node.Float("alpha", 1.67326319217681884765625),
                    Gamma: node.Float("gamma", 1.05070102214813232421875)
                ),
                (x, with) => with.Gamma * x.elu(with.Alpha)
            ),
        ["Celu"] = node => Unary(node.Float("alpha", 1), (x, alpha) => x.celu(alpha)),
        ["ThresholdedRelu"] = node => Unary(node.Float("alpha", 1), (x, alpha) => x * x.gt(alpha).to(x.dtype)),
        ["Sigmoid"] = _ => Unary(x => x.sigmoid()),
        ["HardSigmoid"] = node =>
            Unary(
                (Alpha: node.Float("alpha", 0.2), Beta: node.Float("beta", 0.5)),
                (x, with) => ((with.Alpha * x) + with.Beta).clamp(0.0, 1.0)
            ),
        ["Swish"] = node => Unary(node.Float("alpha", 1), (x, alpha) => x * (alpha * x).sigmoid()),
        ["HardSwish"] = _ => Unary(x => nn.functional.hardswish(x)),
        ["Tanh"] = _ => Unary(x => x.tanh()),
        ["Softplus"] = _ => Unary(x => nn.functional.softplus(x)),
        ["Softsign"] = _ => Unary(x => x / (x.abs() + 1.0)),
        ["Mish"] = _ => Unary(x => nn.functional.mish(x)),
        ["Gelu"] = node =>
            Unary(
                node.Text("approximate", "none") == "tanh",
                (x, tanh) =>
                    nn.functional.gelu(
                        x,
                        tanh ? TorchSharp.Modules.GELU.Approximate.tanh : TorchSharp.Modules.GELU.Approximate.none
                    )
            ),
        ["Softmax"] = node => Softmax(node, (x, axis) => x.softmax(axis)),
        ["LogSoftmax"] = node => Softmax(node, (x, axis) => x.log_softmax(axis)),

        // Comparisons and choices
        ["Equal"] = _ => Binary((a, b) => a.eq(b)),
        ["Greater"] = _ => Binary((a, b) => a.gt(b)),
        ["GreaterOrEqual"] = _ => Binary((a, b) => a.ge(b)),
        ["Less"] = _ => Binary((a, b) => a.lt(b)),
        ["LessOrEqual"] = _ => Binary((a, b) => a.le(b)),
        ["And"] = _ => Binary((a, b) => a.logical_and(b)),
        ["Or"] = _ => Binary((a, b) => a.logical_or(b)),
        ["Not"] = _ => Unary(x => x.logical_not()),
        ["Where"] = _ =>
            inputs =>
                [
                    where(
                        inputs.At(0).Tensor,
                        Bounded(inputs.At(0).Tensor, inputs.At(1).Tensor),
                        Bounded(inputs.At(0).Tensor, inputs.At(1).Tensor, inputs.At(2).Tensor)
                    ),
                ],

        ["Identity"] = _ => Unary(x => x.view_as(x)),
        ["Dropout"] = _ => inputs => [Dropout(inputs)],
    };

    static OnnxOperators()
    {
        foreach (
            var family in new[]
            {
                OnnxReductions.All,
                OnnxShapes.All,
                OnnxIndexing.All,
                OnnxLayers.All,
                OnnxQuantization.All,
                OnnxIntegers.All,
                OnnxLearning.All,
            }
        )
        {
            foreach (var (name, make) in family)
                s_all.Add(name, make);
        }
    }

    /// <summary>The names of all operators.</summary>
    public static IReadOnlyCollection<string> Names => s_all.Keys;

    /// <summary>Whether the operator of a node is supported.</summary>
    public static bool Knows(OnnxNode node) => s_all.ContainsKey(node.Kind);

    /// <summary>Makes the function of a node, which reads its attributes once.</summary>
    public static OnnxKernel Make(OnnxNode node) => s_all[node.Kind](node);

    /// <summary>An input that an operator requires.</summary>
    public static OnnxValue At(this OnnxValue?[] inputs, int index) =>
        inputs.Maybe(index) ?? throw new InvalidDataException($"its input {index + 1} is missing");

    /// <summary>All inputs, none of which may be missing.</summary>
    public static Tensor[] All(OnnxValue?[] inputs) =>
        [.. Enumerable.Range(0, Math.Max(1, inputs.Length)).Select(i => inputs.At(i).Tensor)];

    /// <summary>Returns an optional input; null if it is omitted.</summary>
    public static OnnxValue? Maybe(this OnnxValue?[] inputs, int index) => index < inputs.Length ? inputs[index] : null;

    /// <summary>Converts an axis so that it counts from the first dimension.</summary>
    public static int Axis(long axis, int rank) =>
        axis >= -rank && axis < rank
            ? (int)(axis < 0 ? axis + rank : axis)
            : throw new InvalidDataException($"it has the axis {axis} where there are {rank} dimensions");

    /// <summary>
    /// The last tensor, once the result of broadcasting all is known to fit the bound on sizes.
    /// </summary>
    public static Tensor Bounded(params ReadOnlySpan<Tensor> tensors)
    {
        long[] shape = [];
        foreach (Tensor tensor in tensors)
            shape = Broadcast(shape, tensor.shape);
        OnnxGuard.Claim(shape);
        return tensors[^1];
    }

    /// <summary>The shape that two shapes broadcast to; LibTorch reports shapes that do not fit.</summary>
    public static long[] Broadcast(long[] first, long[] second)
    {
        var shape = new long[Math.Max(first.Length, second.Length)];
        for (int i = 1; i <= shape.Length; i++)
        {
            long a = i <= first.Length ? first[^i] : 1;
            long b = i <= second.Length ? second[^i] : 1;
            shape[^i] = a == 1 ? b : a;
        }

        return shape;
    }

    public static OnnxKernel Unary(Func<Tensor, Tensor> function) => inputs => [function(inputs.At(0).Tensor)];

    private static bool IsInteger(Tensor tensor) =>
        tensor.dtype is ScalarType.Int32 or ScalarType.Int64 or ScalarType.Byte;

    private static OnnxKernel Unary<T>(T settings, Func<Tensor, T, Tensor> function) =>
        inputs => [function(inputs.At(0).Tensor, settings)];

    private static OnnxKernel Binary(Func<Tensor, Tensor, Tensor> function) =>
        inputs => [function(inputs.At(0).Tensor, Bounded(inputs.At(0).Tensor, inputs.At(1).Tensor))];

    private static OnnxKernel Variadic(Func<Tensor, Tensor, Tensor> function) =>
        inputs => [All(inputs).Aggregate((sum, input) => function(sum, Bounded(sum, input)))];

    // Some networks are exported in training mode with a dropout of 0.
    private static Tensor Dropout(OnnxValue?[] inputs) =>
        inputs.Maybe(2)?.Number is null or 0 || inputs.Maybe(1)?.Number is 0
            ? inputs.At(0).Tensor.view_as(inputs.At(0).Tensor)
            : throw new InvalidDataException(
                "it is in training mode, which is not supported: export the model in evaluation mode (model.eval())"
            );

    private static OnnxKernel Clip(OnnxNode node)
    {
        if (node.Opset < 11)
        {
            var (low, high) = (node.Float("min", double.NegativeInfinity), node.Float("max", double.PositiveInfinity));
            return Unary(x => x.clamp(low, high));
        }

        return inputs =>
            [
                inputs
                    .At(0)
                    .Tensor.clamp(
                        inputs.Maybe(1)?.Number ?? double.NegativeInfinity,
                        inputs.Maybe(2)?.Number ?? double.PositiveInfinity
                    ),
            ];
    }

    // Up to version 12, all dimensions from the axis onward count as one.
    private static OnnxKernel Softmax(OnnxNode node, Func<Tensor, int, Tensor> softmax)
    {
        long axis = node.Axis(node.Opset < 13 ? 1 : -1);
        if (node.Opset >= 13)
            return inputs => [softmax(inputs.At(0).Tensor, Axis(axis, inputs.At(0).Tensor.shape.Length))];
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor;
            long[] shape = x.shape;
            int from = axis == shape.Length ? shape.Length : Axis(axis, shape.Length);
            if (from == shape.Length - 1)
                return [softmax(x, from)];
            long rows = shape.Take(from).Aggregate(1L, (product, size) => product * size);
            return [softmax(x.reshape(rows, -1), 1).reshape(shape)];
        };
    }
}
