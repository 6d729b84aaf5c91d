using static TorchSharp.torch;

namespace Parry.Models.Architectures.Layers;

/// <summary>Averages maps to a given side; gives one number for each channel if the side is 1.</summary>
internal sealed class AveragePool(int side = 1) : Network
{
    public override Tensor forward(Tensor input) => nn.functional.adaptive_avg_pool2d(input, [side, side]);

    public override string ToString() => $"AveragePool({side}x{side})";
}
