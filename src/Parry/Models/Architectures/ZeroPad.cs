using Parry.Torch;
using Parry.Torch.Nn;

namespace Parry.Models.Architectures;

/// <summary>Zeros around the images, by different amounts on each side.</summary>
internal sealed class ZeroPad(int top, int bottom, int left, int right) : Module
{
    public override Tensor Forward(Tensor input) => input.Pad([left, right, top, bottom]);

    public override string ToString() => $"ZeroPad(top {top}, bottom {bottom}, left {left}, right {right})";
}
