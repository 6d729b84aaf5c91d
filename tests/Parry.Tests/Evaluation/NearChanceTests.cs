using Parry.Data;
using Parry.Evaluation;
using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Tests.Evaluation;

public class NearChanceTests
{
    private static readonly byte[] s_pixels = [0, 255, 0, 255, 0, 255, 0, 255];
    private static readonly int[] s_labels = [0, 1, 0, 1, 0, 1, 0, 1];

    [Theory]
    [InlineData(10, 100, 10, true)]
    [InlineData(15, 100, 10, true)]
    [InlineData(17, 100, 10, false)]
    [InlineData(0, 10, 1000, true)]
    [InlineData(1, 10, 1000, false)]
    [InlineData(58, 100, 2, true)]
    [InlineData(62, 100, 2, false)]
    public void Warns_within_two_deviations_of_a_guess(int right, int count, int classes, bool warns) =>
        Assert.Equal(warns, NearChance.Warning(right, count, classes) is not null);

    [Fact]
    public void Looks_at_clean_images()
    {
        var set = new ImageSet("made", new ImageShape(1, 1, 1), s_pixels, s_labels, ["dark", "light"]);

        Assert.Null(NearChance.Warning(new Brightness(1), set));
        Assert.Contains("0 of 8 clean images", NearChance.Warning(new Brightness(-1), set), StringComparison.Ordinal);
    }

    private sealed class Brightness(double sign) : IClassifier
    {
        public ImageShape Shape => new(1, 1, 1);

        public int Classes => 2;

        public Tensor Logits(Images images) =>
            cat([(1.0 - images.Pixels.reshape(-1, 1)).mul(sign), images.Pixels.reshape(-1, 1).mul(sign)], 1);
    }
}
