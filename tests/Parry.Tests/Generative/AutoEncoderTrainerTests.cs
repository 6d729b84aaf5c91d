using Parry.Data;
using Parry.Defenses.Training;
using Parry.Generative.AutoEncoders;
using Parry.Generative.Diffusion;
using Parry.Models.Training;
using Parry.Runtime;
using Parry.Tests.Data;
using static TorchSharp.torch;

namespace Parry.Tests.Generative;

public sealed class AutoEncoderTrainerTests : IDisposable
{
    private static readonly ImageSet s_images = ToyStripes.Make(150);

    // A batch of 100 is cut into two pieces, and the last one of an epoch is smaller.
    private static readonly TrainingSchedule s_schedule = new() { Epochs = 3, BatchSize = 100 };

    private readonly TemporaryFolder _folder = new();

    private string Checkpoint => Path.Combine(_folder.Path, "checkpoint.safetensors");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_resumed_training_gives_the_weights_of_an_unbroken_one_bit_for_bit()
    {
        Resumes(() =>
            new VaeTraining
            {
                Schedule = s_schedule,
                Sizes = new()
                {
                    Latent = 2,
                    Encoder = [8],
                    Decoder = [8],
                },
            }.On(s_images)
        );
        Resumes(() => new DiffusionTraining { Schedule = s_schedule, Width = 8 }.On(s_images));
        Resumes(() =>
            new PuVaeTraining
            {
                Schedule = s_schedule,
                Width = 2,
                Hidden = 8,
                Latent = 3,
            }.On(s_images, new ToyStripes.Classifier(), "rows")
        );
        Resumes(() =>
            new VaeTraining
            {
                Schedule = s_schedule with { FinalLearningRate = 0 },
                Sizes = new()
                {
                    Latent = 2,
                    Encoder = [8],
                    Decoder = [8],
                },
            }.On(s_images)
        );
        Resumes(() =>
            new MagNetTraining
            {
                Schedule = s_schedule,
                Members = 2,
                EpochsApart = 1,
            }.On(s_images)
        );
        Resumes(() =>
            new DefenseVaeTraining
            {
                Schedule = s_schedule,
                Width = 2,
                Latent = 3,
            }.On(s_images, s_images, "rows")
        );
    }

    [Fact]
    public void A_training_may_go_on_for_longer_than_was_asked_for_at_first()
    {
        using (var first = new MagNetTraining { Schedule = s_schedule with { Epochs = 1 } }.On(s_images))
            first.Run(Checkpoint);
        using var longer = new MagNetTraining { Schedule = s_schedule }.On(s_images);
        longer.Resume(Checkpoint);
        longer.Run();
        using var whole = new MagNetTraining { Schedule = s_schedule }.On(s_images);
        whole.Run(Checkpoint);
        Assert.Equal(VaeTests.Weights(whole.Network), VaeTests.Weights(longer.Network));
        using var shorter = new MagNetTraining { Schedule = s_schedule with { Epochs = 2 } }.On(s_images);
        Assert.Contains(
            "3",
            Assert.Throws<UserErrorException>(() => shorter.Resume(Checkpoint)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_training_whose_step_size_falls_keeps_its_number_of_epochs()
    {
        using (var first = new MagNetTraining { Schedule = s_schedule with { FinalLearningRate = 0 } }.On(s_images))
        {
            first.RunEpoch();
            AtomicFile.Write(Checkpoint, first.Save);
        }

        using var longer = new MagNetTraining { Schedule = s_schedule with { FinalLearningRate = 0, Epochs = 4 } }.On(
            s_images
        );
        Assert.Contains(
            "3 epochs",
            Assert.Throws<UserErrorException>(() => longer.Resume(Checkpoint)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void The_step_size_falls_to_the_last_one()
    {
        Assert.True(LastMove(null) > 2 * LastMove(0));

        // How far weights move in the last of three epochs.
        static double LastMove(double? final)
        {
            using var trainer = new MagNetTraining { Schedule = s_schedule with { FinalLearningRate = final } }.On(
                s_images
            );
            trainer.RunEpoch();
            trainer.RunEpoch();
            float[] before = VaeTests.Weights(trainer.Network);
            trainer.RunEpoch();
            return Math.Sqrt(
                before.Zip(VaeTests.Weights(trainer.Network)).Sum(pair => Math.Pow(pair.First - pair.Second, 2))
            );
        }
    }

    [Fact]
    public void The_seed_decides_the_weights()
    {
        Assert.Equal(Trained(1), Trained(1));
        Assert.NotEqual(Trained(1), Trained(2));

        static float[] Trained(long seed)
        {
            using var trainer = new MagNetTraining { Schedule = s_schedule with { Epochs = 1, Seed = seed } }.On(
                s_images
            );
            trainer.Run();
            return VaeTests.Weights(trainer.Network);
        }
    }

    [Fact]
    public void A_loss_that_is_no_number_stops_the_training_and_the_last_good_checkpoint_stands()
    {
        using var trainer = Poisoned();
        var error = Assert.Throws<TrainingDivergedException>(() => trainer.Run(Checkpoint));
        Assert.Contains("epoch 3", error.Message, StringComparison.Ordinal);
        using var next = Poisoned();
        next.Resume(Checkpoint);
        Assert.Equal(2, next.Epoch);
        Assert.All(VaeTests.Weights(next.Network), weight => Assert.True(float.IsFinite(weight)));

        static NetworkTrainer<Vae> Poisoned()
        {
            using var random = new Generator(1);
            return new(
                s_schedule,
                "poisoned",
                new Vae(
                    ToyStripes.Shape,
                    random,
                    new()
                    {
                        Latent = 2,
                        Encoder = [4],
                        Decoder = [4],
                    }
                ),
                s_images.Count,
                (network, rows) =>
                    network
                        .Loss(s_images.Batch(rows.Indices).Images, rows.Anew.Normal(0, 2))
                        .sum()
                        .mul(rows.Epoch == 2 ? double.NaN : 1)
            );
        }
    }

    [Fact]
    public void A_checkpoint_of_another_training_is_refused()
    {
        using (var first = new MagNetTraining { Schedule = s_schedule }.On(s_images))
        {
            first.RunEpoch();
            AtomicFile.Write(Checkpoint, first.Save);
        }

        foreach (
            MagNetTraining other in new MagNetTraining[]
            {
                new() { Schedule = s_schedule, Noise = 0.2 },
                new() { Schedule = s_schedule with { LearningRate = 0.1 } },
            }
        )
        {
            using var second = other.On(s_images);
            Assert.Contains(
                "same options",
                Assert.Throws<UserErrorException>(() => second.Resume(Checkpoint)).Message,
                StringComparison.Ordinal
            );
        }

        using var fewer = new MagNetTraining { Schedule = s_schedule }.On(s_images.Take(140));
        Assert.Throws<UserErrorException>(() => fewer.Resume(Checkpoint));
        File.WriteAllText(Checkpoint, "no checkpoint");
        Assert.Throws<UserErrorException>(() => fewer.Resume(Checkpoint));
    }

    [Fact]
    public void Noise_that_is_drawn_once_is_the_same_in_every_epoch_and_other_noise_is_not()
    {
        var seen = new Dictionary<(int Image, int Epoch), (float Once, float Anew)>();
        using var random = new Generator(1);
        using var trainer = new NetworkTrainer<Vae>(
            s_schedule with
            {
                Epochs = 2,
            },
            "noise",
            new Vae(
                ToyStripes.Shape,
                random,
                new()
                {
                    Latent = 2,
                    Encoder = [4],
                    Decoder = [4],
                }
            ),
            s_images.Count,
            (network, rows) =>
            {
                float[] once = rows.Once.Normal(0, 1).ToArray<float>();
                float[] anew = rows.Anew.Normal(0, 1).ToArray<float>();
                lock (seen)
                {
                    for (int i = 0; i < once.Length; i++)
                        seen.Add((rows.Indices[i], rows.Epoch), (once[i], anew[i]));
                }

                return network.Loss(s_images.Batch(rows.Indices).Images, rows.Anew.Normal(0, 2)).sum();
            }
        );
        trainer.Run();
        Assert.Equal(2 * s_images.Count, seen.Count);
        for (int image = 0; image < s_images.Count; image++)
        {
            Assert.Equal(seen[(image, 0)].Once, seen[(image, 1)].Once);
            Assert.NotEqual(seen[(image, 0)].Anew, seen[(image, 1)].Anew);
        }
    }

    [Fact]
    public void Options_that_make_no_sense_are_refused()
    {
        foreach (
            TrainingSchedule wrong in new[]
            {
                s_schedule with
                {
                    Epochs = 0,
                },
                s_schedule with
                {
                    BatchSize = 0,
                },
                s_schedule with
                {
                    LearningRate = 0,
                },
                s_schedule with
                {
                    LearningRate = double.NaN,
                },
            }
        )
            Assert.Throws<UserErrorException>(() => new VaeTraining { Schedule = wrong }.On(s_images));
        Assert.Throws<UserErrorException>(() =>
            new PuVaeTraining().On(s_images, new LinearClassifier(ToyStripes.Shape, classes: 4), "four")
        );
        Assert.Throws<UserErrorException>(() => new MagNetTraining { Members = 0 }.On(s_images));
    }

    private void Resumes<TNetwork>(Func<NetworkTrainer<TNetwork>> make)
        where TNetwork : nn.Module<Tensor, Tensor>
    {
        using NetworkTrainer<TNetwork> whole = make();
        float[] fresh = VaeTests.Weights(whole.Network);
        whole.Run();
        using (NetworkTrainer<TNetwork> first = make())
        {
            first.RunEpoch();
            AtomicFile.Write(Checkpoint, first.Save);
        }

        using NetworkTrainer<TNetwork> second = make();
        second.Resume(Checkpoint);
        Assert.Equal(1, second.Epoch);
        second.Run();
        Assert.Equal(VaeTests.Weights(whole.Network), VaeTests.Weights(second.Network));
        Assert.NotEqual(fresh, VaeTests.Weights(second.Network));
    }
}
