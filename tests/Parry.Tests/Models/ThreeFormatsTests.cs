using Parry.Attacks;
using Parry.Attacks.WhiteBox;
using Parry.Data;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Models;

/// <summary>The same public network from safetensors, ONNX and TorchScript.</summary>
public class ThreeFormatsTests
{
    private const int Count = 100;

    [TheoryIfModels]
    [InlineData("mnist-natural")]
    [InlineData("mnist-pgd")]
    [InlineData("cifar10-resnet32")]
    public void Logits_input_gradients_and_attacked_images_agree(string network)
    {
        DataSet data = network.StartsWith("mnist", StringComparison.Ordinal) ? DataSets.Mnist : DataSets.Cifar10;
        ImageSet set = data.ReadTest(DataLocator.Find(data, DataPart.Test)).Take(Count);
        using var scope = NewDisposeScope();
        Tensor images = set.ImageTensor();
        Tensor labels = set.LabelTensor();
        var seen = new List<(float[] Logits, float[] Gradient, bool[] Succeeded)>();
        foreach (string extension in new[] { ".safetensors", ".onnx", ".pt" })
        {
            IClassifier model = ModelCatalog
                .LoadClassifier(PublicModels.File(network + extension), set.Shape, 10)
                .Classifier;
            using var owned = model as IDisposable;
            LossGradient pass;
            using (no_grad())
                pass = model.Gradient(
                    images,
                    logits => nn.functional.nll_loss(logits.log_softmax(-1), labels, reduction: nn.Reduction.None)
                );
            using AttackResult attacked = AttackRunner.Run(
                new FastGradientSign { Epsilon = network.StartsWith("mnist", StringComparison.Ordinal) ? 0.2 : 0.01 },
                model,
                images,
                Goal.Untargeted(labels),
                seed: 1
            );
            seen.Add((pass.Logits.ToArray<float>(), pass.Gradient.ToArray<float>(), attacked.Succeeded));
        }

        for (int other = 1; other < 3; other++)
        {
            Assert.True(
                Worst(seen[0].Logits, seen[other].Logits) < 1e-4,
                $"logits differ by {Worst(seen[0].Logits, seen[other].Logits)}"
            );

            // Where a ReLU sits within rounding of zero, one format may see it open and another closed: an image in a
            // hundred of ResNet-32.
            float[] differences = [.. Rows(seen[0].Gradient).Zip(Rows(seen[other].Gradient), Worst)];
            Assert.True(
                differences.Max() < 1e-4 * Math.Max(1, seen[0].Gradient.Max(Math.Abs)),
                $"gradients differ by {differences.Max()}"
            );
            Assert.InRange(differences.Count(difference => difference > 1e-4), 0, Count / 100);
            Assert.Equal(seen[0].Succeeded, seen[other].Succeeded);
        }
    }

    private static IEnumerable<float[]> Rows(float[] gradients) => gradients.Chunk(gradients.Length / Count);

    private static float Worst(float[] first, float[] second) => first.Zip(second, (a, b) => Math.Abs(a - b)).Max();
}
