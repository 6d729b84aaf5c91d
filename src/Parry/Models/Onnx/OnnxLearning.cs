using Parry.Torch;

namespace Parry.Models.Onnx;

/// <summary>The operators of the domain ai.onnx.ml that linear models, scalers and small networks of scikit-learn are made of.</summary>
internal static class OnnxLearning
{
    public static Dictionary<string, Func<OnnxNode, OnnxKernel>> All { get; } = new()
    {
        ["ai.onnx.ml.Scaler"] = Scaler,
        ["ai.onnx.ml.Normalizer"] = Normalizer,
        ["ai.onnx.ml.LinearClassifier"] = LinearClassifier,
        ["ai.onnx.ml.ArrayFeatureExtractor"] = _ => inputs => [inputs.At(0).Tensor.IndexSelect(inputs.At(0).Tensor.Shape.Length - 1, inputs.At(1).Tensor.To(DType.Int64).Reshape(-1))],

        // A list of dictionaries from class to probability: here the probabilities stay the rows that they are.
        ["ai.onnx.ml.ZipMap"] = _ => OnnxOperators.Unary(x => x.Alias()),
    };

    private static OnnxKernel Scaler(OnnxNode node)
    {
        float[] offset = node.Floats("offset") ?? [0], scale = node.Floats("scale") ?? [1];
        return inputs => [inputs.At(0).Tensor.To(DType.Float32).Sub(Tensor.From(offset)).Mul(Tensor.From(scale))];
    }

    private static OnnxKernel Normalizer(OnnxNode node)
    {
        string norm = node.Text("norm", "MAX");
        return OnnxOperators.Unary(x => x.Div(norm switch
        {
            "L1" => x.Abs().Sum([-1], true),
            "L2" => x.Norm(2, [-1], true),
            _ => x.Amax([-1], true),
        }));
    }

    // Labels first, then scores, which are what an attack wants.
    private static OnnxKernel LinearClassifier(OnnxNode node)
    {
        float[] coefficients = node.Floats("coefficients") ?? [], intercepts = node.Floats("intercepts") ?? [];
        string transform = node.Text("post_transform", "NONE");
        if (transform is not ("NONE" or "SOFTMAX" or "LOGISTIC")) throw node.Refused($"has the post_transform \"{transform}\"");
        int rows = intercepts.Length;
        if (rows == 0 || coefficients.Length % rows != 0) throw node.Refused($"has {coefficients.Length} coefficients for {rows} intercepts");
        return inputs =>
        {
            Tensor scores = inputs.At(0).Tensor.To(DType.Float32).Linear(Tensor.From<float>(coefficients, rows, coefficients.Length / rows), Tensor.From(intercepts));
            if (rows == 1) scores = transform == "LOGISTIC" ? scores : Tensor.Cat([scores.Neg(), scores], 1);
            if (transform == "SOFTMAX") scores = scores.Softmax();
            if (transform == "LOGISTIC") scores = rows == 1 ? Tensor.Cat([scores.Neg().Sigmoid(), scores.Sigmoid()], 1) : scores.Sigmoid();
            return [scores.ArgMax(1), scores];
        };
    }
}
