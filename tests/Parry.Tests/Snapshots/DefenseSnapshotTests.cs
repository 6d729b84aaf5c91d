using Parry.Catalogs;
using Parry.Defenses;
using Parry.Defenses.Detectors;
using Parry.Defenses.Purifiers;
using Parry.Defenses.Squeezing;
using Parry.Generative.AutoEncoders;
using Parry.Generative.Diffusion;
using Parry.Models;
using Parry.Models.Files;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Snapshots;

/// <summary>
/// What every purifier and detector gives: with the weights that ship for MNIST, or with weights from a formula where
/// none ship.
/// </summary>
public class DefenseSnapshotTests
{
    private const double Feedforward = 2e-3;

    // Last bits grow along a descent, most where no drawn image is near; single pixels may differ ten times as much.
    private const double Descent = 1e-2;

    private static readonly ImageShape s_shape = new(1, 28, 28);

    // Purifiers by the text that DefenseCatalog reads.
    private static readonly (string Text, double Absolute)[] s_shipped =
    [
        ("defense-gan:l=12,r=2", Descent),
        ("defense-gan:l=12,r=2,init=paper", Descent),
        ("fast-defense-gan:samples=40,stages=2,steps=4", Descent),
        ("invert-and-classify:l=12,r=2,reject=5", Descent),
        ("puvae", Feedforward),
        ("puvae:noise=0", Feedforward),
        ("magnet:classifier=mnist/e", Feedforward),
        ("bit-depth:bits=1", Feedforward),
        ("bit-depth:bits=3", Feedforward),
        ("median", Feedforward),
        ("median:window=2", Feedforward),
        ("jpeg", Feedforward),
        ("jpeg:quality=30", Feedforward),
    ];

    // Classifiers that stand in the evaluated one's place.
    private static readonly string[] s_classifiers =
    [
        "adversarial-training:weights=mnist/madry",
        "distillation:weights=mnist/distilled",
        "smoothing:draws=20",
    ];

    [Fact]
    public void Purifiers_and_detectors_with_shipped_weights_give_what_is_recorded()
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        using var context = new DefenseContext("mnist", s_shape, 10);
        context.Evaluated = context.Classifier("mnist/e");
        Tensor images = Images();
        var snapshot = new Snapshot("defenses-shipped");
        foreach (var (text, absolute) in s_shipped)
        {
            DefenseSpec defense = DefenseCatalog.Parse(text, context);
            Purify(snapshot, text, defense.Purifier!, images, absolute);
            foreach (IDetector detector in defense.Detectors)
            {
                Score(snapshot, text, detector, images, detector is OffManifold ? 2e-2 : 1e-3);
            }
        }

        foreach (string text in s_classifiers)
        {
            Answer(snapshot, text, DefenseCatalog.Parse(text, context), context.Evaluated, images);
        }
        snapshot.Check();
    }

    [Fact]
    public void Purifiers_with_weights_from_a_formula_give_what_is_recorded()
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        using var random = new Generator(0);
        Tensor images = Images();
        var snapshot = new Snapshot("defenses-formula");
        using var vae = new Vae(
            s_shape,
            random,
            new VaeSizes
            {
                Latent = 5,
                Encoder = [20],
                Decoder = [20],
            }
        );
        using var defenseVae = new DefenseVaeNetwork(s_shape, random, width: 4, latent: 8);
        using var diffusion = new DiffusionUNet(s_shape, random, width: 8);
        using var magnet = new MagNetNetwork(s_shape, 3, random);
        foreach (nn.Module<Tensor, Tensor> network in (nn.Module<Tensor, Tensor>[])[vae, defenseVae, diffusion, magnet])
            MadeImages.Fill(network, seed: 41);
        var invert = new InvertAndClassify(vae) { Steps = 12, Restarts = 2 };
        Purify(snapshot, "invert-and-classify with an auto-encoder", invert, images, Descent);
        Purify(snapshot, "defense-vae", new DefenseVae(defenseVae), images, Feedforward);
        Purify(snapshot, "diffusion", new Diffusion(diffusion) { Steps = 3 }, images, Feedforward);
        Purify(snapshot, "magnet with any of its members", new MagNet(magnet) { Member = null }, images, Feedforward);
        snapshot.Check();
    }

    [Fact]
    public void Detectors_give_the_recorded_scores()
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor images = Images();
        var (classifier, _) = ModelFile.LoadClassifier(ModelCatalog.Find("mnist/e"));
        var (magnet, _) = MagNetNetwork.Load(ModelCatalog.Find("mnist/magnet"));
        using (classifier)
        using (magnet)
        {
            var snapshot = new Snapshot("detectors");
            IPurifier[] squeezers = [new BitDepth(s_shape) { Bits = 1 }, new MedianSmoothing(s_shape) { Window = 2 }];
            IDetector[] detectors =
            [
                new FeatureSqueezing(classifier, squeezers, 1),
                new ReconstructionError(magnet.Pooled[0], s_shape, 2, 1),
                new ReconstructionError(magnet.Plain[0], s_shape, 1, 1),
                new AnswerDivergence(magnet.Reformers[0], classifier, 10, 1),
                new AnswerDivergence(magnet.Reformers[0], classifier, 40, 1),
            ];
            foreach (IDetector detector in detectors)
                Score(snapshot, "mnist/e", detector, images, 1e-4);
            float[] logits = new SqueezedViews(classifier, squeezers).Logits(images).ToArray<float>();
            double[] views = [.. logits.Select(value => (double)value)];
            snapshot.Close("mnist/e", "squeezed views", 1e-4, 1e-4, views);
            snapshot.Check();
        }
    }

    private static Tensor Images()
    {
        float[][] images = [.. MadeImages.Strokes(s_shape, 4, seed: 15), .. MadeImages.Noise(s_shape, 1, seed: 16)];
        return MadeImages.Shaken(MadeImages.Batch(s_shape, images)).clamp(0.0, 1.0);
    }

    private static SampleRandom Draws(Tensor images) =>
        new(7, Enumerable.Range(0, (int)images.size(0)).Select(i => (long)i).ToArray());

    private static void Purify(Snapshot snapshot, string name, IPurifier purifier, Tensor images, double absolute)
    {
        Purified purified = purifier.Purify(images, Draws(images));
        double pixels = absolute == Descent ? 10 * Descent : absolute;
        snapshot.AddImages(name, MadeImages.Rows(purified.Images), absolute, pixels);
        snapshot.Close(
            name,
            "errors",
            absolute,
            0,
            [.. purified.Errors.ToArray<float>().Select(value => (double)value)]
        );
    }

    private static void Score(Snapshot snapshot, string name, IDetector detector, Tensor images, double tolerance)
    {
        double[] scores = [.. detector.Scores(images, Draws(images)).ToArray<float>().Select(value => (double)value)];
        snapshot.Close(name, $"{detector.Name} scores", tolerance, tolerance, scores);
        snapshot.Close(name, $"{detector.Name} threshold", 0, 1e-6, detector.Threshold);
    }

    // The answers that the defender gives, and the logits that an attacker differentiates.
    private static void Answer(
        Snapshot snapshot,
        string name,
        DefenseSpec defense,
        IClassifier evaluated,
        Tensor images
    )
    {
        using Tensor predicted = ((IClassifier)defense.Behind(evaluated)).Predict(images);
        snapshot.Exact(name, "classes", [.. predicted.ToArray<long>().Select(label => (double)label)]);
        using Tensor logits = ((IClassifier)defense.KnownTo(evaluated, seed: 2)).Logits(images);
        double[] values = [.. logits.ToArray<float>().Select(value => (double)value)];
        snapshot.Close(name, "the attacker's logits", 1e-4, 1e-4, values);
    }
}
