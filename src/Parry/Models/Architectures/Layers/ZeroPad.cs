using static TorchSharp.torch;

namespace Parry.Models.Architectures.Layers;

/// <summary>Pads images with zeros, by different amounts on each side.</summary>
internal sealed class ZeroPad(int top, int bottom, int left, int right) : Network
{
    public override Tensor forward(Tensor input) => nn.functional.pad(input, [left, right, top, bottom]);

    public override string ToString() => $"ZeroPad(top {top}, bottom {bottom}, left {left}, right {right})";
}
