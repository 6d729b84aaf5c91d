using Parry.Torch;
using Parry.Torch.Nn;

namespace Parry.Models.Architectures;

/// <summary>Means over as many windows as make a map of this side; one number for each channel if it is 1.</summary>
internal sealed class AveragePool(int side = 1) : Module
{
    public override Tensor Forward(Tensor input) => input.AdaptiveAvgPool2d(side, side);

    public override string ToString() => $"AveragePool({side}x{side})";
}
