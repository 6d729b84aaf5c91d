using Parry.Data;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Models;

public class ImageTensorsTests
{
    private static readonly ImageSet s_set = new(
        "set",
        new ImageShape(3, 1, 2),
        new byte[] { 0, 51, 102, 153, 204, 255, 1, 2, 3, 4, 5, 6 },
        new[] { 1, 0 },
        ["a", "b"]
    );

    [Fact]
    public void Bytes_become_floats_from_0_to_1()
    {
        using var scope = NewDisposeScope();
        Tensor images = s_set.ImageTensor();
        Assert.Equal([2, 3, 1, 2], images.shape);
        Assert.Equal(
            [0, 0.2f, 0.4f, 0.6f, 0.8f, 1],
            images.select(0, 0).ToArray<float>(),
            (a, b) => Math.Abs(a - b) < 1e-6
        );
        Assert.Equal(1f, images.amax([0, 1, 2, 3]).ToArray<float>()[0]);
        Assert.Equal([1L, 0], s_set.LabelTensor().ToArray<long>());
    }

    [Fact]
    public void A_batch_has_the_images_and_labels_at_its_indices()
    {
        using var scope = NewDisposeScope();
        var (images, labels) = s_set.Batch([1, 0, 1]);
        Assert.Equal([3, 3, 1, 2], images.shape);
        Assert.Equal(1 / 255f, images.ToArray<float>()[0], 1e-7f);
        Assert.Equal([0L, 1, 0], labels.ToArray<long>());
        Assert.Throws<ArgumentOutOfRangeException>(() => s_set.Batch([2]));
    }
}
