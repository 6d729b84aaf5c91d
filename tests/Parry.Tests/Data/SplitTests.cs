using Parry.Data;

namespace Parry.Tests.Data;

public class SplitTests
{
    // The first two values of an image are its number.
    private static readonly ImageSet s_published = new(
        "published",
        new ImageShape(1, 1, 2),
        Enumerable.Range(0, 60_000).SelectMany(i => new[] { (byte)(i >> 8), (byte)i }).ToArray(),
        new int[60_000],
        ["a"]
    );

    [Fact]
    public void Defense_gan_validates_on_the_last_10000() => Check(Split.DefenseGan, (0, 50_000), (50_000, 10_000));

    [Fact]
    public void Magnet_validates_on_the_first_5000() => Check(Split.MagNet, (5_000, 55_000), (0, 5_000));

    [Fact]
    public void The_robust_manifold_defense_validates_on_the_last_5000() =>
        Check(Split.RobustManifold, (0, 55_000), (55_000, 5_000));

    [Fact]
    public void The_whole_set_trains_without_validation()
    {
        Assert.Equal(60_000, Split.Whole.Train(s_published).Count);
        Assert.Throws<UserErrorException>(() => Split.Whole.Validation(s_published));
    }

    [Fact]
    public void Refuses_a_set_that_is_too_small()
    {
        Assert.Throws<UserErrorException>(() => Split.DefenseGan.Train(s_published.Take(10_000)));
        Assert.Throws<UserErrorException>(() => Split.DefenseGan.Validation(s_published.Take(10_000)));
    }

    private static void Check(Split split, (int First, int Count) train, (int First, int Count) validation)
    {
        Assert.Equal(train, Range(split.Train(s_published)));
        Assert.Equal(validation, Range(split.Validation(s_published)));
    }

    private static (int First, int Count) Range(ImageSet set) => ((set.Image(0)[0] << 8) + set.Image(0)[1], set.Count);
}
