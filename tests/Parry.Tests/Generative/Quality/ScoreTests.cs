using Parry.Generative.Quality;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Generative.Quality;

public class ScoreTests
{
    private const int Classes = 10;

    [Fact]
    public void Clear_images_of_all_classes_in_equal_shares_score_the_number_of_classes()
    {
        using var scope = NewDisposeScope();
        Assert.Equal(new ClassifierScore(Classes, 0), Rounded(ClassifierScore.Of(Clear(1000, i => i % Classes))));
    }

    [Fact]
    public void The_same_probabilities_everywhere_score_one_whatever_they_are()
    {
        using var scope = NewDisposeScope();
        Assert.Equal(
            new ClassifierScore(1, 0),
            Rounded(ClassifierScore.Of(full([200, Classes], 0.1, ScalarType.Float64)))
        );
        Assert.Equal(new ClassifierScore(1, 0), Rounded(ClassifierScore.Of(Clear(200, _ => 3))));
    }

    [Fact]
    public void The_deviation_is_that_of_the_splits()
    {
        // Two splits: one with two classes in turn, one with a single class.
        using var scope = NewDisposeScope();
        Tensor probabilities = Clear(200, i => i < 100 ? i % 2 : 0);
        Assert.Equal(new ClassifierScore(1.5, 0.5), Rounded(ClassifierScore.Of(probabilities, splits: 2)));
        Assert.Equal(0, ClassifierScore.Of(probabilities, splits: 1).Deviation);
        Assert.Throws<ArgumentException>(() => ClassifierScore.Of(probabilities, splits: 201));
    }

    [Fact]
    public void Coverage_tells_missing_and_rare_classes_and_unclear_images()
    {
        using var scope = NewDisposeScope();
        ModeCoverage all = ModeCoverage.Of(Clear(1000, i => i % Classes));
        Assert.Equal((Classes, 0.0, 1.0), (all.Covered, Math.Round(all.Divergence, 12), all.Confident));

        ModeCoverage one = ModeCoverage.Of(Clear(1000, i => i < 5 ? 7 : 2));
        Assert.Equal((1, 0.995, 0.005), (one.Covered, one.Shares[2], one.Shares[7]));
        Assert.Equal(Math.Log(Classes) + (0.995 * Math.Log(0.995)) + (0.005 * Math.Log(0.005)), one.Divergence, 1e-12);

        double[] rows = [0.96, 0.04, 0.95, 0.05, 0.5, 0.5, 0.1, 0.9];
        Assert.Equal(0.25, ModeCoverage.Of(tensor(rows, [4, 2])).Confident);
    }

    private static ClassifierScore Rounded(ClassifierScore score) =>
        new(Math.Round(score.Mean, 9), Math.Round(score.Deviation, 9));

    private static Tensor Clear(int count, Func<int, int> label) =>
        nn
            .functional.one_hot(tensor(Enumerable.Range(0, count).Select(i => (long)label(i)).ToArray()), Classes)
            .to(ScalarType.Float64);
}
