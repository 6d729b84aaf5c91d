using Parry.Attacks;
using Parry.Catalogs;
using Parry.Data;
using Parry.Defenses;
using Parry.Defenses.Breaks;
using Parry.Defenses.Purifiers;
using Parry.Defenses.Training;
using Parry.Generative.AutoEncoders;
using Parry.Models;
using Parry.Models.Architectures;
using Parry.Models.Files;
using Parry.Runtime;
using Parry.Tests.Data;
using Parry.Tests.Generative;
using TorchSharp;
using static TorchSharp.torch;

namespace Parry.Tests.Defenses;

public sealed class PuVaeTests : IDisposable
{
    private static readonly string[] s_layers =
    [
        "conv1",
        "conv2",
        "conv3",
        "fc1",
        "label",
        "fc2",
        "code",
        "start",
        "deconv1",
        "deconv2",
        "deconv3",
    ];
    private static readonly ToyStripes.Classifier s_classifier = new();

    private static readonly Lazy<PuVaeNetwork> s_trained = new(() =>
    {
        var trainer = new PuVaeTraining
        {
            Width = 6,
            Hidden = 48,
            Latent = 4,
            Schedule = new()
            {
                Epochs = 25,
                BatchSize = 60,
                LearningRate = 5e-3,
            },
        }.On(ToyStripes.Make(240), s_classifier, "rows");
        trainer.Run();
        return trainer.Network;
    });

    private readonly TemporaryFolder _folder = new();

    private string FilePath => Path.Combine(_folder.Path, "puvae.safetensors");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_papers_network_has_its_layers_and_parameters()
    {
        using var random = new Generator(1);
        using var network = new PuVaeNetwork(new ImageShape(1, 28, 28), 10, random);
        var shapes = network
            .Parameters()
            .ToDictionary(entry => entry.Key, entry => string.Join('x', entry.Value.shape));
        Assert.Equal(
            [
                "32x1x7x7",
                "32x32x7x7",
                "32x32x7x7",
                "1024x25088",
                "1024x10",
                "1024x1024",
                "64x1024",
                "512x42",
                "32x32x7x7",
                "32x32x7x7",
                "32x1x7x7",
            ],
            s_layers.Select(name => shapes[name + ".weight"])
        );
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        Assert.Equal([20, 1, 28, 28], network.forward(zeros([2, 1, 28, 28])).shape);
    }

    [Fact]
    public void All_labels_at_once_give_what_each_label_gives_by_itself_and_the_nearest_is_kept()
    {
        using var scope = NewDisposeScope();
        using PuVaeNetwork network = Small();
        var purifier = new PuVae(network) { Noise = 0 };
        Tensor images = Images(4);
        var (drawn, errors) = purifier.ReconstructForEveryLabel(images, Draws(4));
        for (int label = 0; label < 3; label++)
        {
            Tensor labels = full([4], (double)label, ScalarType.Int64);
            Tensor alone = network
                .DecodeLogits(network.Encode(network.Features(images), labels).Mean, labels)
                .sigmoid();
            AssertClose(alone, drawn.select(1, label));
            AssertClose(alone.sub(images).pow(2.0).mean([1, 2, 3]), errors.select(1, label));
        }

        Purified kept = purifier.Purify(images, Draws(4));
        Assert.Equal(errors.amin([1]).ToArray<float>(), kept.Errors.ToArray<float>());
        AssertClose(network.forward(images), drawn.flatten(0, 1));
    }

    [Fact]
    public void The_loss_is_the_weighted_sum_over_pixels_components_and_classes()
    {
        using var scope = NewDisposeScope();
        using PuVaeNetwork network = Small();
        Tensor images = Images(3);
        Tensor labels = tensor(new long[] { 0, 2, 1 });
        Tensor noise = Draws(3).Normal(0, 3);
        GaussianCode code = network.Encode(network.Features(images), labels);
        Tensor drawn = network.DecodeLogits(code.Mean.add(code.Deviation.mul(noise)), labels).sigmoid();
        Tensor pixels = images.mul(drawn.log()).add((1.0 - images).mul((1.0 - drawn).log())).sum([1, 2, 3]).neg();
        Tensor variance = code.Deviation.pow(2.0);
        Tensor divergence = code.Mean.pow(2.0).add(variance).sub(variance.log()).sub(1.0).sum(1).mul(0.5);
        Tensor classes = s_classifier.Logits(drawn).softmax(-1).gather(1, labels.unsqueeze(1)).squeeze(1).log().neg();
        AssertClose(
            pixels.mul(0.01).add(divergence.mul(0.1)).add(classes.mul(10.0)),
            new PuVaeTraining().Loss(network, s_classifier, images, labels, noise),
            1e-3
        );
    }

    [Fact]
    public void Gradients_through_the_purifier_are_those_of_finite_differences()
    {
        using var scope = NewDisposeScope();
        using PuVaeNetwork network = Small();

        // Larger weights, so that more than rounding errors comes through.
        foreach (var (_, weight) in network.Parameters())
            weight.mul_(2.0);
        network.to(ScalarType.Float64);
        var purifier = new PuVae(network);
        FiniteDifferences.Check(ToyStripes.Make(2).ImageTensor(), images => purifier.Purify(images, Draws(2)).Images);
    }

    [Fact]
    public void Training_makes_a_purifier_that_keeps_the_class()
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        double right = Accuracy.Of(
            new PuVae(s_trained.Value).Protect(s_classifier, seed: 1),
            ToyStripes.Make(100, seed: 2)
        );
        Assert.True(right > 0.95, $"{right} of clean images right");
    }

    [Fact]
    public void Pulling_the_label_does_more_than_noise_of_the_same_size_and_stays_in_the_budget()
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        ImageSet set = ToyStripes.Make(30, seed: 3);
        Tensor images = set.ImageTensor();
        Tensor labels = set.LabelTensor();
        var purifier = new PuVae(s_trained.Value);
        ProtectedClassifier defended = purifier.Protect(s_classifier, seed: 1);
        var attack = new LabelFlipPull(purifier, s_classifier) { Steps = 20, Draws = 2 };
        using AttackResult result = AttackRunner.Run<IClassifier>(
            attack,
            defended,
            new AttackRun(images, Goal.Untargeted(labels), 5) { Epsilons = [0.45] }
        )[0];
        Tensor noise = new SampleRandom(9, Rows(30)).Signs(0, 1, 8, 8).mul(0.45).add(images).clamp(0.0, 1.0);
        int random = Wrong(noise);
        int pulled = result.Succeeded.Count(done => done);
        Assert.True(pulled > random + 10, $"{pulled} fooled by pulling, {random} by noise");
        Assert.All(result.Linf, size => Assert.InRange(size, 0, 0.45 + 1e-6));

        int Wrong(Tensor shown) => (int)((IClassifier)defended).Predict(shown).ne(labels).sum().Item();
    }

    [Fact]
    public void A_wanted_label_is_reached_and_the_batch_changes_nothing()
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        ImageSet set = ToyStripes.Make(8, seed: 4);
        Tensor images = set.ImageTensor();
        Tensor wanted = tensor(set.Labels.ToArray().Select(label => (label + 1L) % 3).ToArray());
        var purifier = new PuVae(s_trained.Value);
        var attack = new LabelFlipPull(purifier, s_classifier)
        {
            Steps = 15,
            Draws = 2,
            Epsilon = 0.9,
        };
        Tensor together = attack.Perturb(s_classifier, images, Goal.Targeted(wanted), Draws(8));
        Assert.True(
            purifier.Protect(s_classifier, seed: 2).Predict(new Images(together, Rows(8))).eq(wanted).sum().Item() >= 6
        );
        Tensor alone = attack.Perturb(
            s_classifier,
            images.slice(0, 3, 4, 1),
            Goal.Targeted(wanted.slice(0, 3, 4, 1)),
            Draws(8).For(new long[] { 3 })
        );
        AssertClose(alone, together.slice(0, 3, 4, 1), 1e-3);
    }

    [Fact]
    public void Weights_come_back_rounded_to_half_precision_and_other_files_are_refused()
    {
        using PuVaeNetwork network = Small();
        ModelFile.Save(FilePath, network, network.Describe(["a", "b", "c"]) with { Data = "stripes" }, half: true);
        var (again, description) = PuVaeNetwork.Load(FilePath);
        using (again)
        {
            Assert.All(
                VaeTests.Weights(network).Zip(VaeTests.Weights(again)),
                pair => Assert.Equal(pair.First, pair.Second, 1e-3)
            );
            Assert.Equal((3, 3, "stripes"), (again.Classes, again.Latent, description.Data));
        }

        foreach (
            ModelDescription wrong in new[]
            {
                description with
                {
                    Latent = 4,
                },
                description with
                {
                    Settings = "hidden=9",
                },
                description with
                {
                    Settings = null,
                },
                description with
                {
                    ClassNames = ["a"],
                },
                description with
                {
                    Shape = new(1, 9, 9),
                },
            }
        )
        {
            ModelFile.Save(FilePath, network, wrong);
            Assert.Throws<UserErrorException>(() => PuVaeNetwork.Load(FilePath));
        }

        ModelFile.Save(FilePath, network, description with { Architecture = "magnet" });
        Assert.Contains(
            "\"magnet\"",
            Assert.Throws<UserErrorException>(() => PuVaeNetwork.Load(FilePath)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void The_command_line_makes_it_with_its_break_and_refuses_weights_of_another_data_set()
    {
        using PuVaeNetwork network = Small();
        ModelFile.Save(FilePath, network, network.Describe(["a", "b", "c"]) with { Data = "stripes" });
        using (var context = new DefenseContext("stripes", ToyStripes.Shape, 3))
        {
            DefenseSpec spec = DefenseCatalog.Parse($"puvae:weights={FilePath},noise=0.2,draws=3", context);
            Assert.Equal(0.2, ((PuVae)spec.Purifier!).Noise);
            Assert.Equal(3, spec.Draws);
            Assert.Equal(
                [typeof(LabelFlipPull), typeof(ReconstructionEvasion)],
                spec.Breaks.Select(known => known.Against(spec, s_classifier).GetType())
            );
        }

        using var other = new DefenseContext("stars", ToyStripes.Shape, 3);
        string message = Assert
            .Throws<UserErrorException>(() => DefenseCatalog.Parse($"puvae:weights={FilePath}", other))
            .Message;
        Assert.Contains("stripes", message, StringComparison.Ordinal);
        Assert.Contains("stars", message, StringComparison.Ordinal);
    }

    private static PuVaeNetwork Small()
    {
        using var random = new Generator(1);
        return new PuVaeNetwork(ToyStripes.Shape, 3, random, width: 2, hidden: 8, latent: 3);
    }

    private static Tensor Images(int count)
    {
        using var random = new Generator(9);
        return rand([count, 1, 8, 8], generator: random);
    }

    private static long[] Rows(int count) => [.. Enumerable.Range(0, count).Select(i => (long)i)];

    private static SampleRandom Draws(int count) => new(7, Rows(count));

    private static void AssertClose(Tensor expected, Tensor actual, double tolerance = 1e-5) =>
        Assert.All(
            expected.ToArray<float>().Zip(actual.ToArray<float>()),
            pair => Assert.Equal(pair.First, pair.Second, tolerance)
        );
}
