using Parry.Evaluation;

namespace Parry.Tests.Evaluation;

public class RocTests
{
    [Fact]
    public void Scores_that_separate_have_area_one_and_reversed_ones_zero()
    {
        Assert.Equal(1, Roc.Area([1, 2, 3], [4, 5]));
        Assert.Equal(0, Roc.Area([4, 5], [1, 2, 3]));
    }

    [Fact]
    public void Equal_scores_have_area_one_half() => Assert.Equal(0.5, Roc.Area([2, 2, 2], [2, 2]));

    [Fact]
    public void The_area_is_the_share_of_pairs_in_the_right_order_with_ties_counting_half()
    {
        float[] clean = [0.1f, 0.4f, 0.35f, 0.8f];
        float[] adversarial = [0.4f, 0.9f, 0.2f];
        double pairs = clean
            .SelectMany(
                c => adversarial,
                (c, a) =>
                    a > c ? 1
                    : a == c ? 0.5
                    : 0
            )
            .Sum();
        Assert.Equal(pairs / 12, Roc.Area(clean, adversarial), 12);
    }

    [Fact]
    public void The_area_under_the_curves_trapezoids_is_the_area()
    {
        var random = new Random(1);
        float[] clean = [.. Enumerable.Range(0, 90).Select(_ => random.Next(40) / 10f)];
        float[] adversarial = [.. Enumerable.Range(0, 70).Select(_ => 0.7f + (random.Next(40) / 10f))];
        var points = Roc.Curve(clean, adversarial);
        double area = points.Zip(points.Skip(1), (a, b) => (b.Fpr - a.Fpr) * (a.Tpr + b.Tpr) / 2).Sum();
        Assert.Equal(Roc.Area(clean, adversarial), area, 9);
        Assert.Equal((0.0, 0.0), (points[0].Fpr, points[0].Tpr));
        Assert.Equal((1.0, 1.0), (points[^1].Fpr, points[^1].Tpr));
    }

    [Fact]
    public void A_long_curve_is_thinned_and_keeps_its_ends()
    {
        float[] clean = [.. Enumerable.Range(0, 5000).Select(i => (float)i)];
        float[] adversarial = [.. Enumerable.Range(0, 5000).Select(i => i + 0.5f)];
        var points = Roc.Curve(clean, adversarial);
        Assert.Equal(200, points.Count);
        Assert.Equal((1.0, 1.0), (points[^1].Fpr, points[^1].Tpr));
    }

    [Fact]
    public void A_curve_without_scores_of_a_kind_is_refused() =>
        Assert.Throws<ArgumentException>(() => Roc.Area([], [1]));
}
