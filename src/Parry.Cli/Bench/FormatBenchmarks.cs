using Parry.Data;
using Parry.Models;
using Parry.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Parry.Cli.Bench;

/// <summary>
/// An ONNX graph beside the same network as TorchScript, one thread each: the first 100 test images, forward and input
/// gradient, by turns.
/// </summary>
internal static class FormatBenchmarks
{
    private const string Command = "parry bench formats --model mnist-natural.onnx --json";
    private const int Batch = 100;

    /// <summary>Measures.</summary>
    /// <param name="onnx">The ONNX file; the TorchScript file has its name and the extension .pt.</param>
    /// <param name="dataDir">The folder to look for data in first.</param>
    /// <exception cref="UserErrorException">One of the two is missing or no classifier, or no published set has such
    /// images.</exception>
    public static IEnumerable<BenchRow> Rows(string onnx, string? dataDir)
    {
        if (!onnx.EndsWith(".onnx", StringComparison.OrdinalIgnoreCase))
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
            DataSets.All.FirstOrDefault(set => set.Shape == ours.Shape)
            ?? throw new UserErrorException(
                $"expected a network of images that a published set has, got one of {ours.Shape}"
            );
        ImageSet test = set.Load(DataPart.Test, Split.DefenseGan, dataDir, Batch);
        return Workers.Shared.Map(1, _ => Measure(Path.GetFileName(onnx), ours, theirs, test))[0];
    }

    private static BenchRow[] Measure(string name, IClassifier graph, IClassifier script, ImageSet test)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor images = test.ImageTensor(),
            labels = test.LabelTensor();
        Func<Tensor, Tensor> loss = logits =>
            nn.functional.nll_loss(logits.log_softmax(-1), labels, reduction: nn.Reduction.None);
        LossGradient first = graph.Gradient(Parry.Models.Images.Of(images), loss),
            second = script.Gradient(Parry.Models.Images.Of(images), loss);
        double largest = Largest(second.Gradient);
        return
        [
            BenchRow.AtMost(
                $"{name}: forward and input gradient of {Batch} images, ONNX over TorchScript",
                Stopwatches.Ratio(() => Gradient(graph), () => Gradient(script), rounds: 15),
                "times",
                1.1,
                Command
            ),
            new BenchRow(
                $"{name}: forward alone",
                Stopwatches.Ratio(() => Forward(graph), () => Forward(script), rounds: 15),
                "times",
                "",
                null,
                Command
            ),
            BenchRow.AtMost(
                $"{name}: largest difference of logits",
                Largest(first.Logits.sub(second.Logits)),
                "",
                1e-4,
                Command
            ),
            BenchRow.AtMost(
                $"{name}: largest difference of input gradients, by the largest gradient",
                Largest(first.Gradient.sub(second.Gradient)) / largest,
                "",
                1e-4,
                Command
            ),
        ];

        void Gradient(IClassifier model)
        {
            using var once = NewDisposeScope();
            model.Gradient(Parry.Models.Images.Of(images), loss);
        }

        void Forward(IClassifier model)
        {
            using var once = NewDisposeScope();
            model.Logits(Parry.Models.Images.Of(images));
        }
    }

    private static double Largest(Tensor tensor) => tensor.abs().reshape(-1).amax([0]).ToDouble();
}
