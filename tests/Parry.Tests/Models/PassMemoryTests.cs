using Parry.Attacks;
using Parry.Attacks.WhiteBox;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Models;

/// <summary>A model is shown no more images at once than memory allows.</summary>
public sealed class PassMemoryTests
{
    [Fact]
    public void Small_images_are_shown_at_once() =>
        Assert.Equal(128, PassMemory.RowsAtOnce(new Keeping(new ImageShape(1, 4, 4), layers: 1), 128));

    [Fact]
    public void What_a_network_keeps_of_an_image_decides_how_many_it_is_shown()
    {
        var shape = new ImageShape(3, 64, 64);
        Assert.Equal(128, PassMemory.RowsAtOnce(new Keeping(shape, layers: 2), 128));
        int rows = PassMemory.RowsAtOnce(new Keeping(shape, layers: 150), 128);
        Assert.InRange(rows, 4, 64);
        Assert.True(int.IsPow2(rows), $"{rows}");
    }

    [Fact]
    public void An_attack_asks_for_no_more_than_that()
    {
        using var scope = NewDisposeScope();
        var model = new Keeping(new ImageShape(3, 64, 64), layers: 150);
        int rows = PassMemory.RowsAtOnce(model, 128);
        Tensor images = full([3 * rows * Workers.Shared.Count, 3, 64, 64], 0.5);
        Goal goal = Goal.Untargeted(zeros([images.size(0)], ScalarType.Int64));
        using AttackResult result = AttackRunner.Run(new FastGradientSign(), (IClassifier)model, images, goal, 1);
        Assert.InRange(model.Most, 1, rows);
    }

    [Fact]
    public void A_forward_pass_of_many_images_goes_in_pieces_and_gives_the_same()
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        Tensor images = arange(60 * 3 * 128 * 128, ScalarType.Float32).reshape(60, 3, 128, 128);
        var seen = new List<long>();
        Tensor rows = PassMemory.Forward(
            images,
            some =>
            {
                seen.Add(some.size(0));
                return some.flatten(1).slice(1, 0, 2, 1);
            }
        );
        Assert.True(seen.Count > 1, "one piece");
        Assert.Equal(60, seen.Sum());
        Assert.Equal(images.flatten(1).slice(1, 0, 2, 1).ToArray<float>(), rows.ToArray<float>());
    }

    // Keeps the images once for each layer, as networks keep what their gradient needs.
    private sealed class Keeping(ImageShape shape, int layers) : IClassifier
    {
        private readonly Lock _lock = new();

        public int Most { get; private set; }

        public ImageShape Shape => shape;

        public int Classes => 2;

        public Tensor Logits(Images images)
        {
            lock (_lock)
                Most = Math.Max(Most, images.Count);
            Tensor values = images.Pixels;
            for (int layer = 0; layer < layers; layer++)
                values = values * values.sigmoid();
            return values.flatten(1).slice(1, 0, 2, 1);
        }
    }
}
