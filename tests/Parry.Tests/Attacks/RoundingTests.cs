using Parry.Attacks;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Attacks;

public sealed class RoundingTests
{
    // Class 1 from a mean of just above 100 levels on; the image has 100.
    private const double Boundary = 100.4 / 255;

    [Theory]
    [InlineData(null, 101, true)]
    [InlineData(1.5 / 255, 101, true)]
    [InlineData(0.45 / 255, 100, false)]
    public void An_image_that_loses_its_effect_is_rounded_away_from_the_clean_one_inside_the_budget(
        double? epsilon,
        int level,
        bool reached
    )
    {
        using var scope = NewDisposeScope();
        Tensor clean = full([1, 1, 2, 2], 100 / 255.0);
        using AttackResult result = Result(full([1, 1, 2, 2], 100.45 / 255), epsilon);
        Goal goal = Goal.Untargeted(zeros([1], ScalarType.Int64));
        var (saved, reaches) = Rounding.Saved(result, clean, new Bright(), goal);
        Assert.Equal([false], Rounding.Survivors(result, new Bright(), goal));
        Assert.Equal(level, Math.Round(saved.amax([0, 1, 2, 3]).Item() * 255, 3));
        Assert.Equal([reached], reaches);
    }

    private static AttackResult Result(Tensor images, double? epsilon) =>
        new()
        {
            Attack = "some",
            Norm = Norm.Linf,
            Epsilon = epsilon,
            Images = images.clone(),
            Attempts = images.clone(),
            Attacked = [true],
            Succeeded = [true],
            L0 = [4],
            L1 = [0],
            L2 = [0],
            Linf = [0],
            Queries = [1],
            Gradients = [1],
            Seconds = 0,
        };

    private sealed class Bright : IPredictor
    {
        public ImageShape Shape => new(1, 2, 2);

        public int Classes => 2;

        public Tensor Predict(Images images) => (images.Pixels.mean([1, 2, 3]) > Boundary).to(ScalarType.Int64);
    }
}
