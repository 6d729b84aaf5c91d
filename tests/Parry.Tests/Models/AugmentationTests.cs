using Parry.Models.Training;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Models;

public class AugmentationTests
{
    // 1 2 3
    // 4 5 6
    private static readonly float[] s_picture = [1, 2, 3, 4, 5, 6];

    [Fact]
    public void A_picture_is_mirrored_left_to_right_or_not()
    {
        using var scope = NewDisposeScope();
        float[][] seen = Pictures(random => Augmentation.Mirrored(Copies(200), random), Draws(200));
        int mirrored = seen.Count(picture => picture.SequenceEqual([3, 2, 1, 6, 5, 4]));
        Assert.Equal(200 - mirrored, seen.Count(picture => picture.SequenceEqual(s_picture)));
        Assert.InRange(mirrored, 70, 130);
    }

    [Fact]
    public void A_crop_is_the_picture_shifted_with_black_beyond_its_edges()
    {
        using var scope = NewDisposeScope();
        float[][] shifts =
        [
            [0, 0, 0, 0, 1, 2],
            [0, 0, 0, 1, 2, 3],
            [0, 0, 0, 2, 3, 0],
            [0, 1, 2, 0, 4, 5],
            [1, 2, 3, 4, 5, 6],
            [2, 3, 0, 5, 6, 0],
            [0, 4, 5, 0, 0, 0],
            [4, 5, 6, 0, 0, 0],
            [5, 6, 0, 0, 0, 0],
        ];
        float[][] seen = Pictures(random => Augmentation.Cropped(Copies(450), 1, random), Draws(450));
        Assert.All(shifts, shift => Assert.InRange(seen.Count(picture => picture.SequenceEqual(shift)), 25, 75));
        Assert.All(seen, picture => Assert.Contains(shifts, shift => shift.SequenceEqual(picture)));
    }

    [Fact]
    public void All_channels_of_a_picture_are_shifted_alike()
    {
        using var scope = NewDisposeScope();
        Tensor gray = rand([20, 1, 5, 5]);
        Tensor shifted = Augmentation.Cropped(gray.expand([-1, 3, -1, -1]), 4, Draws(20));
        Assert.True(shifted.select(1, 0).equal(shifted.select(1, 2)).all().Item() != 0);
    }

    [Fact]
    public void What_happens_to_a_picture_does_not_depend_on_its_batch()
    {
        using var scope = NewDisposeScope();
        float[][] together = Pictures(random => Changed(Copies(8), random), Draws(8));
        float[][] apart = Pictures(random => Changed(Copies(2), random), new SampleRandom(3, new long[] { 6, 2 }));
        Assert.Equal([together[6], together[2]], apart);

        static Tensor Changed(Tensor images, SampleRandom random) =>
            Augmentation.Cropped(Augmentation.Mirrored(images, random), 1, random);
    }

    private static Tensor Copies(int count) => tensor(s_picture).reshape(1, 1, 2, 3).expand([count, -1, -1, -1]);

    private static SampleRandom Draws(int count) =>
        new(3, Array.ConvertAll(Enumerable.Range(0, count).ToArray(), i => (long)i));

    private static float[][] Pictures(Func<SampleRandom, Tensor> change, SampleRandom random) =>
        [.. change(random).ToArray<float>().Chunk(s_picture.Length)];
}
