using Parry.Data;
using Parry.Defenses.Purifiers;
using Parry.Generative.Diffusion;
using Parry.Models.Architectures;
using Parry.Models.Files;
using Parry.Runtime;
using Parry.Tests.Data;
using static TorchSharp.torch;

namespace Parry.Tests.Generative;

public sealed class DiffusionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_schedule_has_the_papers_values()
    {
        var schedule = new NoiseSchedule();
        Assert.Equal(1, schedule.Kept(0));
        Assert.Equal(1 - 1e-4, schedule.Kept(1), 1e-12);
        Assert.Equal((1 - 1e-4) * (1 - 1e-4 - (0.0199 / 999)), schedule.Kept(2), 1e-12);
        Assert.Equal(4.0358e-5, schedule.Kept(1000), 1e-9);
        Assert.All(Enumerable.Range(1, 1000), t => Assert.True(schedule.Kept(t) < schedule.Kept(t - 1)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(150)]
    [InlineData(1000)]
    public void A_noised_image_has_the_mean_and_the_variance_of_its_time(int time)
    {
        using var scope = NewDisposeScope();
        var schedule = new NoiseSchedule();
        Tensor noise = new SampleRandom(1, new long[] { 0 }).Normal(0, 1, 300, 300);
        Tensor noised = schedule.Noised(full([1, 1, 300, 300], 0.8), [time], noise);
        double mean = noised.mean().Item();
        double variance = noised.sub(mean).pow(2.0).mean().Item();
        Assert.Equal(0.8 * Math.Sqrt(schedule.Kept(time)), mean, 0.01);
        Assert.Equal(1 - schedule.Kept(time), variance, 0.01);
    }

    [Fact]
    public void Each_row_is_noised_to_its_own_time()
    {
        using var scope = NewDisposeScope();
        var schedule = new NoiseSchedule();
        float[] noised = schedule.Noised(ones([2, 1, 1, 1]), [10, 500], zeros([2, 1, 1, 1])).ToArray<float>();
        Assert.Equal(Math.Sqrt(schedule.Kept(10)), noised[0], 1e-6);
        Assert.Equal(Math.Sqrt(schedule.Kept(500)), noised[1], 1e-6);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(150, 10)]
    [InlineData(150, 150)]
    [InlineData(700, 7)]
    public void Whoever_knows_the_noise_comes_back_to_the_image(int time, int steps)
    {
        using var scope = NewDisposeScope();
        var schedule = new NoiseSchedule();
        var random = new SampleRandom(1, new long[] { 0, 1 });
        Tensor image = random.Uniform(0, 1, 4, 4).mul(2.0).sub(1.0);
        Tensor noised = schedule.Noised(image, [time, time], random.Normal(1, 1, 4, 4));
        var times = new List<int>();
        Tensor back = schedule.Denoise(
            noised,
            time,
            steps,
            (point, t) =>
            {
                times.Add(t);
                return point.sub(image.mul(Math.Sqrt(schedule.Kept(t)))).div(Math.Sqrt(1 - schedule.Kept(t)));
            }
        );
        Assert.Equal(steps, times.Distinct().Count());
        Assert.Equal(time, times[0]);
        Assert.All(
            image.ToArray<float>().Zip(back.ToArray<float>()),
            pair => Assert.Equal(pair.First, pair.Second, 2e-3)
        );
        Assert.Throws<ArgumentOutOfRangeException>(() => schedule.Denoise(noised, time, time + 1, (point, _) => point));
    }

    [Fact]
    public void The_network_has_the_size_that_its_file_is_held_against_and_comes_back_from_it()
    {
        using var random = new Generator(1);
        using var usual = new DiffusionUNet(new(1, 28, 28), random);
        Assert.InRange(usual.ParameterCount(), 500_000, 1_000_000);
        Assert.Equal(DiffusionUNet.CountOf(1, 32), usual.ParameterCount());
        using var color = new DiffusionUNet(new(3, 8, 8), random, width: 16);
        Assert.Equal(DiffusionUNet.CountOf(3, 16), color.ParameterCount());
        string file = Path.Combine(_folder.Path, "diffusion.safetensors");
        ModelFile.Save(file, color, color.Describe() with { Data = "checks" });
        using (DiffusionUNet again = DiffusionUNet.Load(file).Network)
            Assert.Equal(VaeTests.Weights(color), VaeTests.Weights(again));
        ModelFile.Save(file, color, color.Describe() with { Data = "checks", Width = 24 });
        Assert.Throws<UserErrorException>(() => DiffusionUNet.Load(file));
        Assert.Throws<UserErrorException>(() => new DiffusionUNet(new(1, 6, 8), random));
        Assert.Throws<UserErrorException>(() => new DiffusionUNet(new(1, 8, 8), random, width: 12));
    }

    [Fact]
    public void Without_a_network_that_knows_better_what_comes_back_is_the_image_with_scaled_noise()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        using var fresh = new DiffusionUNet(ToyStripes.Shape, random, width: 8);
        Tensor images = ToyStripes.Make(5).ImageTensor();
        SampleRandom draws = Draws(5);
        double kept = fresh.Schedule.Kept(100);
        float[] expected = images
            .add(draws.Normal(0, 1, 8, 8).mul(0.5 * Math.Sqrt((1 - kept) / kept)))
            .clamp(0.0, 1.0)
            .ToArray<float>();
        float[] purified = new Diffusion(fresh) { Time = 100, Steps = 4 }
            .Purify(images, draws)
            .Images.ToArray<float>();
        Assert.All(expected.Zip(purified), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
    }

    [Fact]
    public void A_trained_network_takes_away_the_noise_it_was_trained_on()
    {
        using var scope = NewDisposeScope();
        using var trainer = new DiffusionTraining
        {
            Width = 8,
            Schedule = new()
            {
                Epochs = 12,
                BatchSize = 32,
                LearningRate = 3e-3,
            },
        }.On(ToyStripes.Make(256));
        var losses = new List<double>();
        trainer.Run(progress: now => losses.Add(now.Loss));
        Assert.Equal(1, losses[0], 0.1);
        Tensor images = ToyStripes.Make(40, seed: 2).ImageTensor();
        double noise = Error(new DiffusionUNet(ToyStripes.Shape, new Generator(1), width: 8));
        double left = Error(trainer.Network);
        Assert.True(
            left < 0.5 * noise,
            $"a squared error of {noise} from the noise, {left} after purification, loss {losses[^1]}"
        );

        double Error(DiffusionUNet network) =>
            new Diffusion(network) { Time = 300, Steps = 5 }
                .Purify(images, Draws(40))
                .Errors.mean()
                .Item();
    }

    private static SampleRandom Draws(int count) => new(7, Enumerable.Range(0, count).Select(i => (long)i).ToArray());
}
