using Parry.Models.Onnx.Files;
using static TorchSharp.torch;

namespace Parry.Models.Onnx.Operators;

/// <summary>
/// The operators of the domain ai.onnx.ml that scikit-learn's linear models, scalers and small networks use.
/// </summary>
internal static class OnnxLearning
{
    public static Dictionary<string, Func<OnnxNode, OnnxKernel>> All { get; } =
        new()
        {
            ["ai.onnx.ml.Scaler"] = Scaler,
            ["ai.onnx.ml.Normalizer"] = Normalizer,
            ["ai.onnx.ml.LinearClassifier"] = LinearClassifier,
            ["ai.onnx.ml.ArrayFeatureExtractor"] = _ =>
                inputs =>
                    [
                        inputs
                            .At(0)
                            .Tensor.index_select(
                                inputs.At(0).Tensor.shape.Length - 1,
                                inputs.At(1).Tensor.to(ScalarType.Int64).reshape(-1)
                            ),
                    ],

            // ONNX gives a list of dictionaries from class to probability; here the probabilities stay rows.
            ["ai.onnx.ml.ZipMap"] = _ => OnnxOperators.Unary(x => x.view_as(x)),
        };

    private static OnnxKernel Scaler(OnnxNode node)
    {
        float[] offset = node.Floats("offset") ?? [0];
        float[] scale = node.Floats("scale") ?? [1];
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor.to(ScalarType.Float32);
            return [(x - tensor(offset)) * tensor(scale)];
        };
    }

    private static OnnxKernel Normalizer(OnnxNode node)
    {
        string norm = node.Text("norm", "MAX");
        return OnnxOperators.Unary(x =>
            x
            / norm switch
            {
                "L1" => x.abs().sum(-1, true),
                "L2" => linalg.vector_norm(x, 2, [-1], true),
                _ => x.amax([-1], true),
            }
        );
    }

    // Returns labels, then scores; attacks use the scores.
    private static OnnxKernel LinearClassifier(OnnxNode node)
    {
        float[] coefficients = node.Floats("coefficients") ?? [];
        float[] intercepts = node.Floats("intercepts") ?? [];
        string transform = node.Text("post_transform", "NONE");
        if (transform is not ("NONE" or "SOFTMAX" or "LOGISTIC"))
            throw node.Refused($"has the post_transform \"{transform}\", expected NONE, SOFTMAX or LOGISTIC");
        int rows = intercepts.Length;
        if (rows == 0 || coefficients.Length % rows != 0)
            throw node.Refused($"has {coefficients.Length} coefficients for {rows} intercepts");
        return inputs =>
        {
            Tensor scores = nn.functional.linear(
                inputs.At(0).Tensor.to(ScalarType.Float32),
                tensor(coefficients, [rows, coefficients.Length / rows]),
                tensor(intercepts)
            );
            if (rows == 1)
                scores = transform == "LOGISTIC" ? scores : cat([-scores, scores], 1);
            if (transform == "SOFTMAX")
                scores = scores.softmax(-1);
            if (transform == "LOGISTIC")
                scores = rows == 1 ? cat([(-scores).sigmoid(), scores.sigmoid()], 1) : scores.sigmoid();
            return [scores.argmax(1), scores];
        };
    }
}
