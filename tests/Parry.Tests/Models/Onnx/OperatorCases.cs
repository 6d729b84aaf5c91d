using static Parry.Tests.Models.Onnx.OperatorInputs;
using static TorchSharp.torch;

namespace Parry.Tests.Models.Onnx;

/// <summary>
/// Every operator that Parry reads: on numbers one by one and in pairs, sums over axes, and the other files' cases.
/// </summary>
internal static class OperatorCases
{
    public static IEnumerable<OperatorCase> All() =>
        [.. Elementwise(), .. Pairs(), .. Reductions(), .. Learning(), .. LayerCases.All(), .. ShapeCases.All()];

    private static IEnumerable<OperatorCase> Elementwise()
    {
        foreach (
            var (type, from) in new[]
            {
                ("Neg", 7),
                ("Abs", 7),
                ("Sign", 9),
                ("Exp", 7),
                ("Erf", 9),
                ("Shrink", 9),
                ("Sin", 7),
                ("Cos", 7),
                ("Reciprocal", 7),
                ("Floor", 7),
                ("Ceil", 7),
                ("Round", 11),
                ("Relu", 7),
                ("LeakyRelu", 7),
                ("Elu", 7),
                ("Selu", 7),
                ("Celu", 12),
                ("ThresholdedRelu", 10),
                ("Sigmoid", 7),
                ("HardSigmoid", 7),
                ("HardSwish", 14),
                ("Tanh", 7),
                ("Softplus", 7),
                ("Softsign", 7),
                ("Mish", 18),
                ("Gelu", 20),
                ("Softmax", 7),
                ("LogSoftmax", 7),
                ("Identity", 7),
                ("Dropout", 7),
            }
        )
        {
            yield return new(type, type, from, () => [Numbers(2, 3, 4)]);
        }

        yield return new("Sqrt", "Sqrt", 7, () => [Positive(2, 3)]);
        yield return new("Log", "Log", 7, () => [Positive(2, 3)]);
        yield return new("Not", "Not", 7, () => [Truths(2, 3)]);
        yield return new("LeakyRelu of a slope", "LeakyRelu", 7, () => [Numbers(2, 3)], ("alpha", 0.3f));
        yield return new("Elu of a scale", "Elu", 7, () => [Numbers(2, 3)], ("alpha", 0.3f));
        yield return new("Celu of a scale", "Celu", 12, () => [Numbers(2, 3)], ("alpha", 0.3f));
        yield return new("Selu of numbers", "Selu", 7, () => [Numbers(2, 3)], ("alpha", 1.5f), ("gamma", 0.7f));
        yield return new(
            "HardSigmoid of numbers",
            "HardSigmoid",
            7,
            () => [Numbers(2, 3)],
            ("alpha", 0.4f),
            ("beta", 0.3f)
        );
        yield return new(
            "ThresholdedRelu of a threshold",
            "ThresholdedRelu",
            10,
            () => [Numbers(2, 3)],
            ("alpha", 0.3f)
        );
        yield return new("Shrink of numbers", "Shrink", 9, () => [Numbers(2, 3)], ("lambd", 0.3f), ("bias", 0.1f));
        yield return new("Gelu by tanh", "Gelu", 20, () => [Numbers(2, 3)], ("approximate", "tanh"));
        yield return new("Softmax of an axis", "Softmax", 7, () => [Numbers(2, 3, 4)], ("axis", 2));
        yield return new("Softmax of the first axis", "Softmax", 7, () => [Numbers(2, 3, 4)], ("axis", 0));
        yield return new("LogSoftmax of an axis", "LogSoftmax", 7, () => [Numbers(2, 3, 4)], ("axis", 1));
        yield return new("Clip by attributes", "Clip", 7, () => [Numbers(2, 3)], ("min", -0.5f), ("max", 0.7f))
        {
            To = 10,
        };
        yield return new("Clip by inputs", "Clip", 11, () => [Numbers(2, 3), Number(-0.5f), Number(0.7f)]);
        yield return new("Clip from above", "Clip", 11, () => [Numbers(2, 3), null, Number(0.7f)]);
        yield return new("Cast to integers", "Cast", 7, () => [Numbers(2, 3)], ("to", 7));
        yield return new("Cast to truths", "Cast", 9, () => [Numbers(2, 3)], ("to", 9));
        yield return new("Cast of integers", "Cast", 7, () => [Longs(1, -2, 3)], ("to", 1));
        yield return new("CastLike", "CastLike", 15, () => [Numbers(2, 3), Longs(1)]);
    }

    private static IEnumerable<OperatorCase> Pairs()
    {
        foreach (string type in new[] { "Add", "Sub", "Mul", "Div" })
        {
            yield return new(type, type, 7, () => [Numbers(2, 3, 4), Numbers(3, 1)]);
            yield return new($"{type} of integers", type, 7, () => [Longs(-7, 7, 9), Longs(2, 2, -4)]);
        }

        foreach (string type in new[] { "Sum", "Mean", "Max", "Min" })
            yield return new(type, type, 8, () => [Numbers(2, 3), Numbers(1, 3), Numbers(2, 1)]);
        foreach (
            var (type, from) in new[]
            {
                ("Greater", 7),
                ("Less", 7),
                ("GreaterOrEqual", 12),
                ("LessOrEqual", 12),
                ("Equal", 11),
            }
        )
            yield return new(type, type, from, () => [Numbers(2, 3), Numbers(2, 3).relu()]);
        yield return new("Equal of integers", "Equal", 7, () => [Longs(1, 2, 3), Longs(1, 3, 3)]);
        yield return new("And", "And", 7, () => [Truths(2, 3), Truths(3).logical_not()]);
        yield return new("Or", "Or", 7, () => [Truths(2, 3), Truths(3).logical_not()]);
        yield return new("Pow", "Pow", 7, () => [Positive(2, 3), Numbers(3)]);
        yield return new("Pow of a number", "Pow", 7, () => [Numbers(2, 3), Number(2)]);
        yield return new("Mod", "Mod", 10, () => [Longs(-7, 7, 9), Longs(3, -3, 4)]);
        yield return new("Mod of fractions", "Mod", 10, () => [Numbers(2, 3), Positive(3)], ("fmod", 1));
        yield return new("PRelu", "PRelu", 7, () => [Numbers(2, 3, 4), Numbers(3, 1)]);
        yield return new("Where", "Where", 9, () => [Truths(2, 3), Numbers(2, 3), Numbers(3)]);
    }

    private static IEnumerable<OperatorCase> Reductions()
    {
        long[] axes = [0, 2];
        foreach (
            var (type, since) in new[]
            {
                ("ReduceMean", 18),
                ("ReduceSum", 13),
                ("ReduceMax", 18),
                ("ReduceMin", 18),
                ("ReduceSumSquare", 18),
                ("ReduceLogSum", 18),
                ("ReduceLogSumExp", 18),
                ("ReduceProd", 18),
            }
        )
        {
            yield return new($"{type} by attributes", type, 7, () => [Positive(2, 3, 4)], ("axes", axes))
            {
                To = since - 1,
            };
            yield return new($"{type} by inputs", type, since, () => [Positive(2, 3, 4), Longs(axes)], ("keepdims", 0));
            yield return new($"{type} of all", type, 7, () => [Positive(2, 3, 4)]);
        }

        yield return new("ArgMax", "ArgMax", 7, () => [Numbers(2, 3, 4)], ("axis", 1));
        yield return new("ArgMin", "ArgMin", 7, () => [Numbers(2, 3, 4)], ("axis", 2), ("keepdims", 0));
        yield return new("CumSum", "CumSum", 11, () => [Numbers(2, 3), tensor(new long[] { 1 }, [])]);
        yield return new("TopK by an attribute", "TopK", 7, () => [Numbers(2, 5)], ("k", 3)) { Outputs = 2, To = 9 };
        yield return new("TopK", "TopK", 10, () => [Numbers(2, 5), Longs(3)], ("axis", 1)) { Outputs = 2 };
    }

    private static IEnumerable<OperatorCase> Learning()
    {
        float[] coefficients = [0.1f, -0.2f, 0.3f, 0.4f, 0.5f, -0.6f, 0.7f, 0.8f, -0.9f];
        yield return new(
            "Scaler",
            "ai.onnx.ml.Scaler",
            7,
            () => [Numbers(4, 3)],
            ("offset", coefficients[..3]),
            ("scale", coefficients[3..6])
        );
        foreach (string norm in new[] { "MAX", "L1", "L2" })
            yield return new($"Normalizer, {norm}", "ai.onnx.ml.Normalizer", 7, () => [Numbers(4, 3)], ("norm", norm));
        foreach (string transform in new[] { "NONE", "SOFTMAX", "LOGISTIC" })
        {
            yield return new(
                $"LinearClassifier, {transform}",
                "ai.onnx.ml.LinearClassifier",
                7,
                () => [Numbers(4, 3)],
                ("coefficients", coefficients),
                ("intercepts", coefficients[..3]),
                ("post_transform", transform),
                ("classlabels_ints", new long[] { 0, 1, 2 })
            )
            {
                Outputs = 2,
            };
        }

        yield return new(
            "ArrayFeatureExtractor",
            "ai.onnx.ml.ArrayFeatureExtractor",
            7,
            () => [Numbers(4, 3), Longs(2, 0)]
        );
    }
}
