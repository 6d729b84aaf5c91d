using Parry.Attacks.Generative;
using Parry.Data;
using Parry.Generative.AutoEncoders;
using Parry.Generative.Gans;
using Parry.Models;
using Parry.Models.Architectures;
using Parry.Models.Files;
using Parry.Tests.Data;
using static TorchSharp.torch;

namespace Parry.Tests.Snapshots;

/// <summary>What the shipped weights give.</summary>
public class WeightSnapshotTests
{
    private const int Tested = 500;
    private static readonly ImageShape s_shape = new(1, 28, 28);

    [Fact]
    public void Every_shipped_weight_file_gives_the_recorded_outputs()
    {
        using var frozen = no_grad();
        var snapshot = new Snapshot("weights");
        foreach (string name in ModelCatalog.Names)
        {
            using var scope = NewDisposeScope();
            float[][] made = [.. MadeImages.Strokes(s_shape, 4, seed: 5), .. MadeImages.Noise(s_shape, 2, seed: 6)];
            Tensor images = MadeImages.Shaken(MadeImages.Batch(s_shape, made));
            string path = ModelCatalog.Find(name);
            string architecture = ModelFile.Describe(path).Architecture;
            if (Classifiers.Names.Contains(architecture))
                Classify(snapshot, name, path, images);
            else
                Draw(snapshot, name, path, architecture, images);
        }

        snapshot.Check();
    }

    [FactIfData("mnist")]
    public void The_classifiers_for_MNIST_are_as_often_right_as_recorded() => CheckAccuracies("mnist", DataSets.Mnist);

    [FactIfData("fashion-mnist")]
    public void The_classifiers_for_Fashion_MNIST_are_as_often_right_as_recorded() =>
        CheckAccuracies("fashion-mnist", DataSets.FashionMnist);

    private static void CheckAccuracies(string data, DataSet set)
    {
        ImageSet test = set.Load(DataPart.Test, Split.DefenseGan).Take(Tested);
        var snapshot = new Snapshot($"accuracy-{data}");
        foreach (string name in ModelCatalog.Names.Where(name => name.StartsWith(data + "/", StringComparison.Ordinal)))
        {
            if (!Classifiers.Names.Contains(ModelFile.Describe(ModelCatalog.Find(name)).Architecture))
                continue;
            var (classifier, _) = ModelFile.LoadClassifier(ModelCatalog.Find(name));
            using (classifier)
            {
                // One image at a boundary may fall on its other side.
                snapshot.Close(name, $"right of {Tested}", 1, 0, Math.Round(Accuracy.Of(classifier, test) * Tested));
            }
        }

        snapshot.Check();
    }

    private static void Classify(Snapshot snapshot, string name, string path, Tensor images)
    {
        var (classifier, _) = ModelFile.LoadClassifier(path);
        using (classifier)
        {
            snapshot.Exact(name, "parameters", classifier.Network.ParameterCount());
            float[][] logits = MadeImages.Rows(classifier.Logits(images));
            for (int i = 0; i < logits.Length; i++)
            {
                snapshot.Close(name, $"image {i} logits", 1e-4, 1e-4, [.. logits[i].Select(value => (double)value)]);
            }
            LossGradient gradient = ((IClassifier)classifier).Gradient(images, values => values.logsumexp(1));
            float[][] rows = MadeImages.Rows(gradient.Gradient);
            double[] norms = [.. rows.Select(row => Math.Sqrt(row.Sum(value => (double)value * value)))];
            // A maximum or a ReLU within rounding of a tie sends the gradient another way.
            snapshot.Close(name, "gradient norms", 1e-5, 3e-3, norms);
        }
    }

    private static void Draw(Snapshot snapshot, string name, string path, string architecture, Tensor images)
    {
        Tensor latents = new SampleRandom(3, new long[] { 0, 1, 2, 3 }).Normal(0, 128);
        (nn.Module<Tensor, Tensor> network, Func<Tensor> output) = architecture switch
        {
            ImageGenerator.Architecture => Of(
                ImageGenerator.Load(path).Network,
                generator => generator.forward(latents)
            ),
            MagNetNetwork.Architecture => Of(MagNetNetwork.Load(path).Network, magnet => magnet.forward(images)),
            PuVaeNetwork.Architecture => Of(
                PuVaeNetwork.Load(path).Network,
                vae => vae.forward(images.slice(0, 0, 1, 1))
            ),
            _ => Of(PerturbationGenerator.Load(path).Generator, generator => generator.forward(images)),
        };
        using (network)
        {
            snapshot.Exact(name, "parameters", network.ParameterCount());
            snapshot.AddImages(name, MadeImages.Rows(output()), absolute: 1e-4, pixels: 1e-4);
            if (network is MagNetNetwork magnet)
            {
                snapshot.AddImages(
                    $"{name} plain",
                    MadeImages.Rows(magnet.Plain[0].forward(images)),
                    absolute: 1e-4,
                    pixels: 1e-4
                );
            }
        }
    }

    private static (nn.Module<Tensor, Tensor> Network, Func<Tensor> Output) Of<T>(T network, Func<T, Tensor> output)
        where T : nn.Module<Tensor, Tensor> => (network, () => output(network));
}
