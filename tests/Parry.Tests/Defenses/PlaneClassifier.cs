using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Tests.Defenses;

/// <summary>
/// Two classes on two sides of a plane: logits s and -s for s = steepness · (normal · x - threshold).
/// </summary>
internal sealed class PlaneClassifier(ImageShape shape, Tensor normal, double threshold, double steepness) : IClassifier
{
    public ImageShape Shape => shape;

    public int Classes => 2;

    public Tensor Logits(Images images)
    {
        Tensor side = Side(images.Pixels).mul(steepness);
        return stack([side, side.neg()], 1);
    }

    /// <summary>How far images are from the plane, on the side of class 0, times the normal's length: [N].</summary>
    public Tensor Side(Tensor images) => images.flatten(1).mv(normal).sub(threshold);
}
