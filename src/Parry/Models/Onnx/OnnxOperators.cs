using Parry.Torch;

namespace Parry.Models.Onnx;

/// <summary>The operators of ONNX as LibTorch does them, by name: elementwise ones here, the others in files of their families.</summary>
internal static class OnnxOperators
{
    private static readonly Dictionary<string, Func<OnnxNode, OnnxKernel>> s_all = new()
    {
        // Arithmetic
        ["Add"] = _ => Binary((a, b) => a.Add(b)),
        ["Sub"] = _ => Binary((a, b) => a.Sub(b)),
        ["Mul"] = _ => Binary((a, b) => a.Mul(b)),
        ["Div"] = _ => Binary((a, b) => IsInteger(a) ? a.DivTruncated(b) : a.Div(b)),
        ["Mod"] = node => node.Flag("fmod") ? Binary((a, b) => a.TruncatedRemainder(b)) : Binary((a, b) => a.Remainder(b)),
        ["Pow"] = _ => inputs => [inputs.At(1).Tensor.Elements == 1 ? inputs.At(0).Tensor.Pow(inputs.At(1).Number) : inputs.At(0).Tensor.Pow(Bounded(inputs.At(0).Tensor, inputs.At(1).Tensor))],
        ["Sum"] = _ => Variadic((a, b) => a.Add(b)),
        ["Mean"] = _ => inputs => [Variadic((a, b) => a.Add(b))(inputs)[0].Div((double)inputs.Length)],
        ["Max"] = _ => Variadic((a, b) => a.Maximum(b)),
        ["Min"] = _ => Variadic((a, b) => a.Minimum(b)),
        ["Neg"] = _ => Unary(x => x.Neg()),
        ["Abs"] = _ => Unary(x => x.Abs()),
        ["Sign"] = _ => Unary(x => x.Sign()),
        ["Sqrt"] = _ => Unary(x => x.Sqrt()),
        ["Exp"] = _ => Unary(x => x.Exp()),
        ["Log"] = _ => Unary(x => x.Log()),
        ["Erf"] = _ => Unary(x => x.Erf()),
        ["Shrink"] = node => Unary((Lambda: node.Float("lambd", 0.5), Bias: node.Float("bias", 0)), (x, with) => x.Abs().Sub(with.Bias).Mul(x.Sign()).Mul(x.Abs().Greater(with.Lambda).To(x.DType))),
        ["Sin"] = _ => Unary(x => x.Sin()),
        ["Cos"] = _ => Unary(x => x.Cos()),
        ["Reciprocal"] = _ => Unary(x => x.Reciprocal()),
        ["Floor"] = _ => Unary(x => x.Floor()),
        ["Ceil"] = _ => Unary(x => x.Ceil()),
        ["Round"] = _ => Unary(x => x.Round()),
        ["Clip"] = Clip,

        // Activations
        ["Relu"] = _ => Unary(x => x.Relu()),
        ["LeakyRelu"] = node => Unary(node.Float("alpha", 0.01), (x, alpha) => x.LeakyRelu(alpha)),
        ["PRelu"] = _ => inputs => [Tensor.Where(inputs.At(0).Tensor.Less(0), inputs.At(0).Tensor.Mul(Bounded(inputs.At(0).Tensor, inputs.At(1).Tensor)), inputs.At(0).Tensor)],
        ["Elu"] = node => Unary(node.Float("alpha", 1), (x, alpha) => x.Elu(alpha)),
        ["Selu"] = node => Unary((Alpha: node.Float("alpha", 1.67326319217681884765625), Gamma: node.Float("gamma", 1.05070102214813232421875)), (x, with) => x.Elu(with.Alpha, with.Gamma)),
        ["Celu"] = node => Unary(node.Float("alpha", 1), (x, alpha) => x.Elu(alpha, 1, 1 / alpha)),
        ["ThresholdedRelu"] = node => Unary(node.Float("alpha", 1), (x, alpha) => x.Mul(x.Greater(alpha).To(x.DType))),
        ["Sigmoid"] = _ => Unary(x => x.Sigmoid()),
        ["HardSigmoid"] = node => Unary((Alpha: node.Float("alpha", 0.2), Beta: node.Float("beta", 0.5)), (x, with) => x.Mul(with.Alpha).Add(with.Beta).Clamp(0, 1)),
        ["HardSwish"] = _ => Unary(x => x.HardSwish()),
        ["Tanh"] = _ => Unary(x => x.Tanh()),
        ["Softplus"] = _ => Unary(x => x.Softplus()),
        ["Softsign"] = _ => Unary(x => x.Div(x.Abs().Add(1))),
        ["Mish"] = _ => Unary(x => x.Mish()),
        ["Gelu"] = node => Unary(node.Text("approximate", "none") == "tanh", (x, tanh) => x.Gelu(tanh)),
        ["Softmax"] = node => Softmax(node, (x, axis) => x.Softmax(axis)),
        ["LogSoftmax"] = node => Softmax(node, (x, axis) => x.LogSoftmax(axis)),

        // Comparisons and choices
        ["Equal"] = _ => Binary((a, b) => a.Equal(b)),
        ["Greater"] = _ => Binary((a, b) => a.Greater(b)),
        ["GreaterOrEqual"] = _ => Binary((a, b) => a.GreaterOrEqual(b)),
        ["Less"] = _ => Binary((a, b) => a.Less(b)),
        ["LessOrEqual"] = _ => Binary((a, b) => a.LessOrEqual(b)),
        ["And"] = _ => Binary((a, b) => a.And(b)),
        ["Or"] = _ => Binary((a, b) => a.Or(b)),
        ["Not"] = _ => Unary(x => x.Not()),
        ["Where"] = _ => inputs => [Tensor.Where(Bounded(inputs.At(1).Tensor, inputs.At(0).Tensor), inputs.At(1).Tensor, Bounded(inputs.At(0).Tensor, inputs.At(2).Tensor))],

        ["Identity"] = _ => Unary(x => x.Alias()),
        ["Dropout"] = _ => inputs => [Dropout(inputs)],
    };

    static OnnxOperators()
    {
        foreach (var family in new[] { OnnxReductions.All, OnnxShapes.All, OnnxLayers.All, OnnxQuantization.All, OnnxLearning.All })
        {
            foreach (var (name, make) in family) s_all.Add(name, make);
        }
    }

    /// <summary>Whether there is an operator for a node.</summary>
    public static bool Knows(OnnxNode node) => s_all.ContainsKey(node.Kind);

    /// <summary>What a node does, its attributes read once.</summary>
    public static OnnxKernel Make(OnnxNode node) => s_all[node.Kind](node);

    /// <summary>An input that an operator cannot do without.</summary>
    public static OnnxValue At(this OnnxValue?[] inputs, int index) => inputs.Maybe(index) ?? throw new InvalidDataException($"its input {index + 1} is missing");

    /// <summary>An input that may be left out.</summary>
    public static OnnxValue? Maybe(this OnnxValue?[] inputs, int index) => index < inputs.Length ? inputs[index] : null;

    /// <summary>An axis counted from the first dimension.</summary>
    public static int Axis(long axis, int rank) => axis >= -rank && axis < rank
        ? (int)(axis < 0 ? axis + rank : axis)
        : throw new InvalidDataException($"it has the axis {axis} where there are {rank} dimensions");

    /// <summary>The second tensor, once what broadcasting the two makes is known to be of bearable size.</summary>
    public static Tensor Bounded(Tensor first, Tensor second)
    {
        OnnxGuard.Claim(Broadcast(first.Shape, second.Shape));
        return second;
    }

    /// <summary>The shape of what two shapes broadcast to; LibTorch says so where they do not fit.</summary>
    public static long[] Broadcast(long[] first, long[] second)
    {
        var shape = new long[Math.Max(first.Length, second.Length)];
        for (int i = 1; i <= shape.Length; i++)
        {
            long a = i <= first.Length ? first[^i] : 1, b = i <= second.Length ? second[^i] : 1;
            shape[^i] = a == 1 ? b : a;
        }

        return shape;
    }

    public static OnnxKernel Unary(Func<Tensor, Tensor> function) => inputs => [function(inputs.At(0).Tensor)];

    private static bool IsInteger(Tensor tensor) => tensor.DType is DType.Int32 or DType.Int64 or DType.UInt8;

    private static OnnxKernel Unary<T>(T settings, Func<Tensor, T, Tensor> function) => inputs => [function(inputs.At(0).Tensor, settings)];

    private static OnnxKernel Binary(Func<Tensor, Tensor, Tensor> function) => inputs => [function(inputs.At(0).Tensor, Bounded(inputs.At(0).Tensor, inputs.At(1).Tensor))];

    private static OnnxKernel Variadic(Func<Tensor, Tensor, Tensor> function) => inputs =>
        [inputs.Skip(1).Aggregate(inputs.At(0).Tensor, (sum, input) => function(sum, Bounded(sum, input!.Tensor)))];

    // Some networks drop a share of nothing in training mode.
    private static Tensor Dropout(OnnxValue?[] inputs) => inputs.Maybe(2)?.Number is null or 0 || inputs.Maybe(1)?.Number is 0
        ? inputs.At(0).Tensor.Alias()
        : throw new InvalidDataException("it is in training mode, which is not supported: export the model in evaluation mode (model.eval())");

    private static OnnxKernel Clip(OnnxNode node)
    {
        if (node.Opset < 11)
        {
            var (low, high) = (node.Float("min", double.NegativeInfinity), node.Float("max", double.PositiveInfinity));
            return Unary(x => x.Clamp(low, high));
        }

        return inputs => [inputs.At(0).Tensor.Clamp(inputs.Maybe(1)?.Number ?? double.NegativeInfinity, inputs.Maybe(2)?.Number ?? double.PositiveInfinity)];
    }

    // Until version 12 the dimensions from the axis on were one.
    private static OnnxKernel Softmax(OnnxNode node, Func<Tensor, int, Tensor> softmax)
    {
        long axis = node.Int("axis", node.Opset < 13 ? 1 : -1);
        if (node.Opset >= 13) return inputs => [softmax(inputs.At(0).Tensor, Axis(axis, inputs.At(0).Tensor.Shape.Length))];
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor;
            long[] shape = x.Shape;
            int from = axis == shape.Length ? shape.Length : Axis(axis, shape.Length);
            if (from == shape.Length - 1) return [softmax(x, from)];
            long rows = shape.Take(from).Aggregate(1L, (product, size) => product * size);
            return [softmax(x.Reshape(rows, -1), 1).Reshape(shape)];
        };
    }
}
