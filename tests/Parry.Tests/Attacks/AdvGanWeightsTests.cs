using Parry.Attacks;
using Parry.Attacks.Generative;
using Parry.Catalogs;
using Parry.Data;
using Parry.Models.Files;
using Parry.Runtime;
using Parry.Tests.Data;
using Parry.Tests.Generative;
using static TorchSharp.torch;

namespace Parry.Tests.Attacks;

/// <summary>
/// AdvGAN's generator in a weight file: what comes back, what is refused, and how a training goes on.
/// </summary>
public sealed class AdvGanWeightsTests : IDisposable
{
    private const double Epsilon = 0.45;

    private static readonly ToyStripes.Classifier s_classifier = new();
    private static readonly ImageSet s_known = ToyStripes.Make(150);
    private static readonly ImageSet s_unseen = ToyStripes.Make(60, seed: 2);
    private static readonly AdvGan s_attack = new()
    {
        Epsilon = Epsilon,
        TrainingImages = 140,
        Epochs = 3,
    };

    private static readonly Lazy<byte[]> s_file = new(Train);

    private readonly TemporaryFolder _folder = new();

    private string Weights => Path.Combine(_folder.Path, "advgan.safetensors");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_was_trained_for_a_file_is_what_the_attack_trains_itself_and_attacks_without_training()
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        Save();
        AttackSpec loaded = AttackCatalog.Parse($"advgan:weights={Weights}");
        AttackSpec trained = new AttackSpec(AttackCatalog.Find("advgan"), s_attack, [Epsilon], null).Train(
            s_classifier,
            s_known,
            seed: 1
        );
        Tensor images = s_unseen.ImageTensor();
        Goal goal = Goal.Untargeted(s_unseen.LabelTensor());
        var counting = new CountingClassifier(s_classifier);
        using AttackResult kept = loaded.Run(counting, new AttackRun(images, goal, 1))[0];
        using AttackResult fresh = trained.Run(s_classifier, new AttackRun(images, goal, 1))[0];
        Assert.Equal(0, kept.Queries.Sum() + kept.Gradients.Sum());
        Assert.Equal(Epsilon, kept.Epsilon);

        // The file is rounded to half precision.
        Assert.InRange(Norm.Linf.Of(kept.Attempts.sub(fresh.Attempts)).amax([0]).Item(), 0, 0.01);
        Assert.Same(loaded, loaded.Train(s_classifier, s_known, seed: 1));
        (loaded.Attack as IDisposable)!.Dispose();
        (trained.Attack as IDisposable)!.Dispose();
    }

    [Fact]
    public void A_loaded_attack_takes_the_budget_of_its_file_unless_another_is_given_and_reads_back()
    {
        Save();
        foreach (
            var (text, epsilons) in new (string, double[])[]
            {
                ("", [Epsilon]),
                (",eps=0.1", [0.1]),
                (",eps=0.1,0.2", [0.1, 0.2]),
            }
        )
        {
            AttackSpec spec = AttackCatalog.Parse($"advgan:weights={Weights}{text}");
            Assert.Equal(epsilons, spec.Epsilons);
            Assert.Equal(spec.Text, AttackCatalog.Parse(spec.Text).Text);
            Assert.Contains($"weights={Weights}", spec.Text, StringComparison.Ordinal);
        }

        Assert.Equal(0.3, AttackCatalog.Parse("advgan").Epsilons[0]);
    }

    [Fact]
    public void A_training_begins_with_the_generator_that_was_loaded_and_keeps_that_as_it_was()
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        Save();
        var (generator, epsilon, _) = PerturbationGenerator.Load(Weights);
        float[] weights = VaeTests.Weights(generator);
        using AdvGan loaded = s_attack with { Weights = Weights };
        using AdvGanTraining warm = loaded.On(s_classifier, "rows", s_known, seed: 3);
        using AdvGanTraining cold = s_attack.On(s_classifier, "rows", s_known, seed: 3);
        Assert.Equal(Epsilon, epsilon);
        Assert.Equal(weights, VaeTests.Weights(warm.Generator));
        Assert.NotEqual(weights, VaeTests.Weights(cold.Generator));

        warm.RunEpoch();
        Assert.NotEqual(weights, VaeTests.Weights(warm.Generator));
        using AdvGanTraining again = loaded.On(s_classifier, "rows", s_known, seed: 3);
        Assert.Equal(weights, VaeTests.Weights(again.Generator));
        generator.Dispose();
    }

    [Fact]
    public void A_resumed_training_gives_the_generator_of_an_unbroken_one_bit_for_bit()
    {
        using var scope = NewDisposeScope();
        using AdvGanTraining whole = Training(s_attack);
        using AdvGanTraining first = Training(s_attack);
        using AdvGanTraining second = Training(s_attack);
        while (whole.Epoch < whole.Epochs)
            whole.RunEpoch();
        first.RunEpoch();
        second.Resume(Checkpoint(first));
        Assert.Equal(1, second.Epoch);
        while (second.Epoch < second.Epochs)
            second.RunEpoch();
        Assert.Equal(VaeTests.Weights(whole.Generator), VaeTests.Weights(second.Generator));
    }

    [Fact]
    public void A_checkpoint_of_another_training_is_refused()
    {
        using var scope = NewDisposeScope();
        using AdvGanTraining first = Training(s_attack);
        string checkpoint = Checkpoint(first);
        foreach (
            AdvGan other in new[]
            {
                s_attack with
                {
                    Epochs = 4,
                },
                s_attack with
                {
                    Epsilon = 0.2,
                },
                s_attack with
                {
                    TrainingImages = 130,
                },
            }
        )
        {
            using AdvGanTraining second = Training(other);
            Assert.Contains(
                "same options",
                Assert.Throws<UserErrorException>(() => second.Resume(checkpoint)).Message,
                StringComparison.Ordinal
            );
        }

        using AdvGanTraining elsewhere = s_attack.On(s_classifier, "another", s_known, seed: 1);
        Assert.Throws<UserErrorException>(() => elsewhere.Resume(checkpoint));
    }

    [Fact]
    public void Files_that_hold_something_else_are_refused_in_one_line()
    {
        Save();
        var (generator, _, description) = PerturbationGenerator.Load(Weights);
        Refused(
            "not a usable weight file",
            () => ModelFile.Save(Weights, generator, description with { Architecture = "puvae" })
        );
        Refused("for which budget", () => ModelFile.Save(Weights, generator, description with { Settings = null }));
        Refused(
            "for which budget",
            () => ModelFile.Save(Weights, generator, description with { Settings = "epsilon=-1" })
        );
        Refused(
            "not a usable weight file",
            () => ModelFile.Save(Weights, generator, description with { Shape = new ImageShape(3, 8, 8) })
        );
        Refused(Weights, () => File.WriteAllBytes(Weights, s_file.Value[..^9]));
        Refused(Weights, () => File.WriteAllText(Weights, "no weights"));
        Refused("no model file", () => File.Delete(Weights));
        generator.Dispose();

        void Refused(string word, Action spoil)
        {
            spoil();
            string message = Assert
                .Throws<UserErrorException>(() => AttackCatalog.Parse($"advgan:weights={Weights}"))
                .Message;
            Assert.Contains(word, message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', message);
        }
    }

    [Fact]
    public void Images_of_another_size_and_other_goals_are_refused()
    {
        using var scope = NewDisposeScope();
        Save();
        AttackSpec loaded = AttackCatalog.Parse($"advgan:weights={Weights}");
        var larger = new Parry.Tests.LinearClassifier(new ImageShape(1, 12, 12));
        using Tensor images = zeros([4, 1, 12, 12]);
        using Tensor labels = zeros([4], ScalarType.Int64);
        Assert.Contains(
            "images of 1x8x8, not of 1x12x12",
            Assert
                .Throws<UserErrorException>(() =>
                    loaded.Run(
                        larger,
                        new AttackRun(images, Goal.Untargeted(labels), 1) { Attacked = [true, true, true, true] }
                    )
                )
                .Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "was trained untargeted",
            Assert
                .Throws<UserErrorException>(() =>
                    loaded.Run(
                        s_classifier,
                        new AttackRun(s_unseen.ImageTensor(), Goal.Targeted(zeros([60], ScalarType.Int64)), 1)
                    )
                )
                .Message,
            StringComparison.Ordinal
        );
    }

    private void Save() => File.WriteAllBytes(Weights, s_file.Value);

    private static byte[] Train()
    {
        using var folder = new TemporaryFolder();
        string file = Path.Combine(folder.Path, "trained.safetensors");
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        using AdvGanTraining training = Training(s_attack);
        while (training.Epoch < training.Epochs)
            training.RunEpoch();
        ModelFile.Save(
            file,
            training.Generator,
            training.Generator.Describe(Epsilon) with
            {
                Data = "stripes",
                Seed = 1,
                Command = "parry train advgan",
            },
            half: true
        );
        return File.ReadAllBytes(file);
    }

    private string Checkpoint(AdvGanTraining training)
    {
        string file = Path.Combine(_folder.Path, "checkpoint.safetensors");
        AtomicFile.Write(file, training.Save);
        return file;
    }

    private static AdvGanTraining Training(AdvGan attack) => attack.On(s_classifier, "rows", s_known, seed: 1);
}
