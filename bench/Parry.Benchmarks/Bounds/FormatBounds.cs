using Parry.Data;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Benchmarks.Bounds;

/// <summary>
/// An ONNX graph beside the same network as TorchScript, one thread each: the first 100 test images, forward and input
/// gradient, by turns.
/// </summary>
internal static class FormatBounds
{
    private const int Batch = 100;

    /// <summary>Measures.</summary>
    /// <param name="onnx">The ONNX file; the TorchScript file has its name and the extension .pt.</param>
    /// <param name="dataDir">The folder to look for data in first.</param>
    /// <exception cref="UserErrorException">One of the two is missing or no classifier, or no published set has such
    /// images.</exception>
    public static IEnumerable<Measurement> Rows(string? onnx, string? dataDir)
    {
        if (onnx is null || !onnx.EndsWith(".onnx", StringComparison.OrdinalIgnoreCase))
            throw new UserErrorException(
                $"expected --model to be an .onnx file with the same network as .pt beside it, got \"{onnx}\""
            );
        using OpenedModel graph = ModelCatalog.Open(onnx, new InputContract());
        using OpenedModel script = ModelCatalog.Open(
            Path.ChangeExtension(onnx, ".pt"),
            new InputContract { Size = graph.Model.Shape }
        );
        var (ours, theirs) = ((IClassifier)graph.Model, (IClassifier)script.Model);
        DataSet set =
            DataSets.All.OfType<DataSet>().FirstOrDefault(set => set.Shape == ours.Shape)
            ?? throw new UserErrorException(
                $"expected a network of images that a published set has, got one of {ours.Shape}"
            );
        ImageSet test = set.Load(DataPart.Test, Split.DefenseGan, dataDir, Batch);
        return Workers.Shared.Map(1, _ => Measure(Path.GetFileName(onnx), ours, theirs, test))[0];
    }

    private static Measurement[] Measure(string name, IClassifier graph, IClassifier script, ImageSet test)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Images images = Images.Of(test.ImageTensor());
        Tensor labels = test.LabelTensor();
        Func<Tensor, Tensor> loss = logits =>
            nn.functional.nll_loss(logits.log_softmax(-1), labels, reduction: nn.Reduction.None);
        LossGradient ours = graph.Gradient(images, loss);
        LossGradient theirs = script.Gradient(images, loss);
        double gradientRatio = Stopwatches.Ratio(() => Gradient(graph), () => Gradient(script), rounds: 15);
        double forwardRatio = Stopwatches.Ratio(() => Forward(graph), () => Forward(script), rounds: 15);
        double logitError = Largest(ours.Logits - theirs.Logits);
        double gradientError = Largest(ours.Gradient - theirs.Gradient) / Largest(theirs.Gradient);
        return
        [
            Measurement.AtMost(
                $"{name}: forward and input gradient of {Batch} images, ONNX over TorchScript",
                gradientRatio,
                "times",
                1.1
            ),
            new Measurement($"{name}: forward alone", forwardRatio, "times"),
            Measurement.AtMost($"{name}: largest difference of logits", logitError, "", 1e-4),
            Measurement.AtMost(
                $"{name}: largest difference of input gradients, by the largest gradient",
                gradientError,
                "",
                1e-4
            ),
        ];

        void Gradient(IClassifier model)
        {
            using var once = NewDisposeScope();
            model.Gradient(images, loss);
        }

        void Forward(IClassifier model)
        {
            using var once = NewDisposeScope();
            model.Logits(images);
        }
    }

    private static double Largest(Tensor tensor) => tensor.abs().max().Item();
}
