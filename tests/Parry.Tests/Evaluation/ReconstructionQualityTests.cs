using Parry.Defenses.Purifiers;
using Parry.Evaluation;
using Parry.Generative.Gans;
using static TorchSharp.torch;

namespace Parry.Tests.Evaluation;

public class ReconstructionQualityTests
{
    [Fact]
    public void What_a_generator_draws_it_reconstructs_and_what_it_cannot_draw_it_does_not()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        using var generator = new ImageGenerator(new ImageShape(1, 12, 12), random, width: 6, latent: 4);
        var descent = new DefenseGan(generator)
        {
            Steps = 200,
            Restarts = 6,
            LearningRate = 200,
        };
        Tensor drawn = generator.Generate(randn([3, 4], generator: random));
        Tensor images = cat([drawn, ones([1, 1, 12, 12])]);
        var told = new Told();

        double[] errors = ReconstructionError.Of(descent, images, seed: 2, told);

        Assert.All(errors.Take(3), error => Assert.True(error < errors[3] / 50, $"{error} beside {errors[3]}"));
        Assert.Equal(4, told.Count);
        Assert.Equal(errors, ReconstructionError.Of(descent, images, seed: 2));
        Assert.Throws<OperationCanceledException>(() =>
            ReconstructionError.Of(descent, images, 2, cancellation: new CancellationToken(true))
        );
    }

    private sealed class Told : IProgress<double>
    {
        private int _count;

        public int Count => _count;

        public void Report(double value) => Interlocked.Increment(ref _count);
    }
}
