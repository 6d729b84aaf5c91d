using Parry.Torch;

namespace Parry.Attacks.Steps;

/// <summary>For each row the nearest image that reached the goal; until there is one, the last that was tried.</summary>
internal sealed class Closest(Tensor images)
{
    /// <summary>The images, [N, C, H, W].</summary>
    public Tensor Images { get; } = images.Clone();

    /// <summary>Their distances, [N, 1, 1, 1]; infinite until one has reached the goal.</summary>
    public Tensor Distances { get; } = Tensor.Full([images.Size(0), 1, 1, 1], double.PositiveInfinity);

    /// <summary>Takes what is nearer.</summary>
    /// <param name="points">[N, C, H, W].</param>
    /// <param name="distances">[N, 1, 1, 1].</param>
    /// <param name="reached">Whether each point reaches the goal, [N, 1, 1, 1] bool.</param>
    public void Take(Tensor points, Tensor distances, Tensor reached)
    {
        var (image, distance) = Nearer(Images, Distances, points, distances, reached);
        Images.CopyInPlace(image);
        Distances.CopyInPlace(distance);
    }

    /// <summary>Takes what is nearer, for some of the rows.</summary>
    public void Take(long[] rows, Tensor points, Tensor distances, Tensor reached)
    {
        var (image, distance) = Nearer(Images.At(rows), Distances.At(rows), points, distances, reached);
        Images.Put(rows, image);
        Distances.Put(rows, distance);
    }

    private static (Tensor Images, Tensor Distances) Nearer(Tensor images, Tensor distances, Tensor points, Tensor lengths, Tensor reached)
    {
        Tensor valid = lengths.MaskedFill(reached.Not(), double.PositiveInfinity);
        return (Tensor.Where(valid.LessOrEqual(distances), points, images), valid.Minimum(distances));
    }
}
