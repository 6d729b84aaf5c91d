using Parry.Attacks;
using Parry.Catalogs;
using Parry.Data;
using Parry.Defenses;
using Parry.Defenses.Breaks;
using Parry.Defenses.Detectors;
using Parry.Defenses.Purifiers;
using Parry.Defenses.Training;
using Parry.Generative.AutoEncoders;
using Parry.Models.Architectures;
using Parry.Models.Files;
using Parry.Runtime;
using Parry.Tests.Data;
using Parry.Tests.Generative;
using TorchSharp;
using static TorchSharp.torch;

namespace Parry.Tests.Defenses;

public sealed class MagNetTests : IDisposable
{
    private static readonly ToyStripes.Classifier s_classifier = new();

    private readonly TemporaryFolder _folder = new();

    private string FilePath => Path.Combine(_folder.Path, "magnet.safetensors");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_papers_auto_encoders_have_their_parameters()
    {
        using var random = new Generator(1);
        using var pooled = new MagNetAutoEncoder(1, pooled: true, random);
        using var plain = new MagNetAutoEncoder(1, pooled: false, random);
        using var color = new MagNetNetwork(new ImageShape(3, 32, 32), 1, random);
        Assert.Equal(
            (30 + 84 + 84 + 84 + 28, 30 + 84 + 28, 84 * 3),
            (pooled.ParameterCount(), plain.ParameterCount(), color.ParameterCount())
        );
        Assert.Equal(
            (310, 142),
            (MagNetAutoEncoder.ParametersOf(1, pooled: true), MagNetAutoEncoder.ParametersOf(1, pooled: false))
        );
        Assert.Empty(color.Pooled);
    }

    [Fact]
    public void The_divergence_of_answers_is_its_closed_form_symmetric_and_at_most_log_two()
    {
        using var scope = NewDisposeScope();
        Tensor first = tensor(new float[] { 0, 0, 100, 0, 1, 2 }, [3, 2]);
        Tensor second = tensor(new float[] { (float)Math.Log(3), 0, 0, 100, 1, 2 }, [3, 2]);
        float[] there = AnswerDivergence.Divergence(first, second).ToArray<float>();
        float[] back = AnswerDivergence.Divergence(second, first).ToArray<float>();
        double expected =
            0.5
            * (
                (0.5 * Math.Log(0.5 / 0.625))
                + (0.5 * Math.Log(0.5 / 0.375))
                + (0.75 * Math.Log(0.75 / 0.625))
                + (0.25 * Math.Log(0.25 / 0.375))
            );
        Assert.Equal(expected, there[0], 1e-6);
        Assert.Equal(Math.Log(2), there[1], 1e-6);
        Assert.Equal(0, there[2], 1e-6);
        Assert.Equal(there, back);
    }

    [Theory]
    [InlineData(0.2, 9)]
    [InlineData(0.1, 10)]
    [InlineData(0.3, 8)]
    [InlineData(0.39, 8)]
    [InlineData(1, 1)]
    public void A_threshold_is_the_score_from_which_on_the_wanted_share_is_refused(double rate, double expected) =>
        Assert.Equal(expected, DetectorThreshold.At([3, 1, 2, 10, 9, 8, 7, 4, 6, 5], rate));

    [Theory]
    [InlineData(0.09, "less than one of 10")]
    [InlineData(0, "above 0")]
    [InlineData(1.5, "at most 1")]
    [InlineData(double.NaN, "above 0")]
    public void A_rate_that_refuses_no_image_or_makes_no_sense_is_an_error(double rate, string told)
    {
        var error = Assert.Throws<UserErrorException>(() =>
            DetectorThreshold.At([3, 1, 2, 10, 9, 8, 7, 4, 6, 5], rate)
        );
        Assert.Contains(told, error.Message, StringComparison.Ordinal);
        Assert.Throws<UserErrorException>(() => DetectorThreshold.At([1, float.NaN], 1));
    }

    [Fact]
    public void Reconstruction_errors_are_means_of_powers()
    {
        using var scope = NewDisposeScope();
        using MagNetNetwork network = Untrained(1);
        Tensor images = ToyStripes.Make(3).ImageTensor();
        Tensor difference = images.sub(network.Plain[0].forward(images));
        foreach (var (power, expected) in new[] { (1, difference.abs()), (2, difference.pow(2.0)) })
        {
            float[] scores = new ReconstructionError(network.Plain[0], ToyStripes.Shape, power, 0)
                .Scores(images, Draws(3))
                .ToArray<float>();
            Assert.All(
                expected.mean([1, 2, 3]).ToArray<float>().Zip(scores),
                pair => Assert.Equal(pair.First, pair.Second, 1e-6)
            );
        }

        Assert.Throws<UserErrorException>(() =>
            new ReconstructionError(network.Plain[0], ToyStripes.Shape, 1, 0).Scores(
                full([3, 1, 8, 8], double.NaN),
                Draws(3)
            )
        );
    }

    [Fact]
    public void Gradients_through_reformer_and_detectors_are_those_of_finite_differences()
    {
        using var scope = NewDisposeScope();
        using MagNetNetwork network = Untrained(2);
        network.to(ScalarType.Float64);
        Tensor images = ToyStripes.Make(2).ImageTensor();
        FiniteDifferences.Check(
            images,
            shown =>
                new MagNet(network) { Member = 1 }
                    .Purify(shown, Draws(2))
                    .Images
        );
        FiniteDifferences.Check(
            images,
            shown =>
                new MagNet(network) { Member = null }
                    .Purify(shown, Draws(2))
                    .Images
        );
        foreach (
            IDetector detector in new IDetector[]
            {
                new ReconstructionError(network.Pooled[0], ToyStripes.Shape, 2, 0),
                new ReconstructionError(network.Plain[0], ToyStripes.Shape, 1, 0),
                new AnswerDivergence(network.Plain[0], s_classifier, 10, 0),
            }
        )
            FiniteDifferences.Check(images, shown => detector.Scores(shown, Draws(2)));
    }

    [Fact]
    public void Training_lowers_the_error_and_thresholds_refuse_the_wanted_share_and_noise()
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        ImageSet set = ToyStripes.Make(300);
        ImageSet validation = ToyStripes.Make(100, seed: 2);
        var options = new MagNetTraining
        {
            Schedule = new()
            {
                Epochs = 40,
                BatchSize = 50,
                LearningRate = 1e-2,
            },
            FalsePositiveRate = 0.05,
            DivergenceRate = 0.02,
        };
        using var trainer = options.On(set);
        var losses = new List<double>();
        trainer.Run(progress: now => losses.Add(now.Loss));
        Assert.True(losses[^1] < losses[0] / 2, $"{losses[0]} fell to {losses[^1]}");

        ModelDescription description = trainer.Network.Describe() with { Data = "stripes" };
        description = description with
        {
            Settings = $"{description.Settings},{options.Thresholds(trainer.Network, validation, s_classifier)}",
        };
        IReadOnlyList<IDetector> detectors = MagNetDetectors.Load(trainer.Network, 0, description, s_classifier);
        Assert.Equal(
            ["reconstruction error L2", "reconstruction error L1", "answer divergence T=10", "answer divergence T=40"],
            detectors.Select(detector => detector.Name)
        );
        foreach (IDetector detector in detectors)
        {
            int refused = detector
                .Scores(validation.ImageTensor(), Draws(100))
                .ToArray<float>()
                .Count(score => score >= detector.Threshold);
            Assert.Equal(detector is ReconstructionError ? 5 : 2, refused);
        }

        using var random = new Generator(3);
        Assert.All(
            detectors[0].Scores(rand([20, 1, 8, 8], generator: random), Draws(20)).ToArray<float>(),
            score => Assert.True(score >= detectors[0].Threshold)
        );
        Assert.Equal(2, MagNetDetectors.Load(trainer.Network, 0, description, classifier: null).Count);
        Assert.Throws<UserErrorException>(() => options.CheckRates(ToyStripes.Shape, validation: 10));
    }

    [Fact]
    public void Members_that_know_of_each_other_differ_more()
    {
        Assert.True(Spread(apart: 0) > Spread(apart: 1000));

        static double Spread(int apart)
        {
            using var scope = NewDisposeScope();
            ImageSet set = ToyStripes.Make(100);
            using var trainer = new MagNetTraining
            {
                Members = 3,
                EpochsApart = apart,
                Diversity = 0.9,
                Schedule = new()
                {
                    Epochs = 15,
                    BatchSize = 50,
                    LearningRate = 1e-2,
                },
            }.On(set);
            trainer.Run();
            Tensor drawn = stack([.. trainer.Network.Plain.Select(member => member.forward(set.ImageTensor()))]);
            return drawn.sub(drawn.mean([0], true)).pow(2.0).mean().Item();
        }
    }

    [Fact]
    public void The_defender_draws_one_member_for_a_session_and_the_attacker_reckons_with_all()
    {
        using MagNetNetwork network = Untrained(8);
        string thresholds = string.Join('/', Enumerable.Range(1, 8));
        ModelFile.Save(
            FilePath,
            network,
            network.Describe() with
            {
                Data = "stripes",
                Settings = $"members=8,rate=0.001,l2={thresholds},l1={thresholds}",
            }
        );
        using var context = new DefenseContext("stripes", ToyStripes.Shape, 3);
        DefenseSpec[] sessions =
        [
            .. Enumerable
                .Range(0, 12)
                .Select(session => DefenseCatalog.Parse($"magnet:weights={FilePath},session={session}", context)),
        ];
        Assert.True(sessions.Select(spec => ((MagNet)spec.Purifier!).Member).Distinct().Count() > 3);
        Assert.All(
            sessions,
            spec =>
            {
                Assert.Null(((MagNet)spec.AttackersPurifier!).Member);
                Assert.All(
                    spec.Detectors,
                    detector => Assert.Equal(((MagNet)spec.Purifier!).Member + 1.0, detector.Threshold)
                );
                Assert.IsType<DetectorEvasion>(Assert.Single(spec.Breaks).Against(spec, s_classifier));
            }
        );

        ModelFile.Save(FilePath, network, network.Describe() with { Data = "stripes" });
        Assert.Contains(
            "threshold l2",
            Assert
                .Throws<UserErrorException>(() => DefenseCatalog.Parse($"magnet:weights={FilePath}", context))
                .Message,
            StringComparison.Ordinal
        );
        ModelFile.Save(FilePath, network, network.Describe() with { Data = "stripes", Settings = "members=7" });
        Assert.Throws<UserErrorException>(() => DefenseCatalog.Parse($"magnet:weights={FilePath}", context));
    }

    [Fact]
    public void Evasion_finds_images_that_err_unnoticed_where_the_plain_attack_is_noticed()
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        ImageSet set = ToyStripes.Make(20, seed: 5);
        Tensor images = set.ImageTensor();
        Goal goal = Goal.Untargeted(set.LabelTensor());
        var detector = new Brightness(images.mean([1, 2, 3]).amax([0]).Item() + 1e-3);
        var evasion = new DetectorEvasion([detector]) { Iterations = 150, SearchSteps = 2 };
        using AttackResult aware = AttackRunner.Run(evasion, s_classifier, images, goal, seed: 1);
        using AttackResult plain = AttackRunner.Run(
            new DetectorEvasion([]) { Iterations = 150, SearchSteps = 2 },
            s_classifier,
            images,
            goal,
            seed: 1
        );
        int noticed = Noticed(plain);
        Assert.Equal(0, Noticed(aware));
        Assert.True(noticed > 0, "the detector notices nothing");
        Assert.True(aware.Succeeded.Count(done => done) >= 18, $"{aware.Succeeded.Count(done => done)} of 20 found");
        Assert.All(aware.Succeeded.Zip(aware.L2), row => Assert.True(row.First || row.Second == 0));

        int Noticed(AttackResult result) =>
            detector
                .Scores(result.Images, Draws(20))
                .ToArray<float>()
                .Zip(result.Succeeded)
                .Count(row => row.Second && row.First >= detector.Threshold);
    }

    private static MagNetNetwork Untrained(int members)
    {
        using var random = new Generator(1);
        return new MagNetNetwork(ToyStripes.Shape, members, random);
    }

    private static SampleRandom Draws(int count) => new(7, Enumerable.Range(0, count).Select(i => (long)i).ToArray());

    private sealed class Brightness(double threshold) : IDetector
    {
        public string Name => "brightness";

        public double Threshold => threshold;

        public Tensor Scores(Tensor images, SampleRandom random) => images.mean([1, 2, 3]);
    }
}
