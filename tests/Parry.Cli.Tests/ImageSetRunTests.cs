using Parry.Catalogs;
using Parry.Cli.Attacking;
using Parry.Data;
using Parry.Models;
using TorchSharp;

namespace Parry.Cli.Tests;

public class ImageSetRunTests
{
    // So large that every image is a part of its own.
    private static readonly ImageShape s_shape = new(1, 2500, 2500);

    [Fact]
    public void Images_without_a_start_are_noted_once_for_all_parts()
    {
        var images = new ImageSet("black", s_shape, new byte[2 * s_shape.Pixels], new int[2], ["a", "b"]);
        using var run = new ImageSetRun
        {
            Model = new AlwaysFirst(),
            Images = images,
            TrainingImages = () => images,
            Seed = 1,
            Limits = null,
            Pictures = null,
        };
        run.Run(AttackCatalog.Parse("hsj:start=images"), new Progress<double>(), CancellationToken.None);
        string note = Assert.Single(run.Notes);
        Assert.StartsWith("hsj had no start for 2 of 2 images", note, StringComparison.Ordinal);
    }

    private sealed class AlwaysFirst : IPredictor
    {
        public ImageShape Shape => s_shape;

        public int Classes => 2;

        public torch.Tensor Predict(Images images) => torch.zeros(images.Pixels.size(0), torch.ScalarType.Int64);
    }
}
