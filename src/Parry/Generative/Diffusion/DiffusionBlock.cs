using Parry.Models.Architectures;
using Parry.Models.Architectures.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Parry.Generative.Diffusion;

/// <summary>
/// A residual block of <see cref="DiffusionUNet"/>: group normalization, SiLU and a 3x3 convolution, twice, with the
/// embedding of the time added in between, and the input, or a 1x1 convolution of it, added at the end.
/// </summary>
internal sealed class DiffusionBlock : Network
{
    /// <summary>Groups of channels that are normalized together.</summary>
    public const int Groups = 8;

    private readonly GroupNorm _norm1;
    private readonly GroupNorm _norm2;
    private readonly Conv2d _conv1;
    private readonly Conv2d _conv2;
    private readonly Conv2d? _skip;
    private readonly Linear _time;

    /// <summary>Creates the block with PyTorch's default weights.</summary>
    /// <param name="inputs">Maps it takes.</param>
    /// <param name="outputs">Maps it gives.</param>
    /// <param name="time">The length of the embedding of the time.</param>
    /// <param name="random">Draws the initial weights.</param>
    public DiffusionBlock(int inputs, int outputs, int time, Generator random)
    {
        _norm1 = Child("norm1", Layer.GroupNorm(Groups, inputs));
        _conv1 = Child("conv1", Layer.Conv2d(inputs, outputs, 3, random, padding: 1));
        _time = Child("time", Layer.Linear(time, outputs, random));
        _norm2 = Child("norm2", Layer.GroupNorm(Groups, outputs));
        _conv2 = Child("conv2", Layer.Conv2d(outputs, outputs, 3, random, padding: 1));
        if (inputs != outputs)
            _skip = Child("skip", Layer.Conv2d(inputs, outputs, 1, random));
    }

    /// <summary>The number of parameters for these sizes.</summary>
    public static long CountOf(long inputs, long outputs, long time) =>
        (2 * inputs)
        + (((9 * inputs) + 1) * outputs)
        + ((time + 1) * outputs)
        + (2 * outputs)
        + (((9 * outputs) + 1) * outputs)
        + (inputs == outputs ? 0 : (inputs + 1) * outputs);

    /// <summary>Maps [N, inputs, H, W] and the embedding of the time [N, time] to [N, outputs, H, W].</summary>
    public Tensor Forward(Tensor input, Tensor time)
    {
        Tensor map = _conv1.forward(nn.functional.silu(_norm1.forward(input)));
        Tensor shift = _time.forward(nn.functional.silu(time));
        map = map + shift.unsqueeze(2).unsqueeze(3);
        map = _conv2.forward(nn.functional.silu(_norm2.forward(map)));
        return map + (_skip?.forward(input) ?? input);
    }

    /// <summary>The block for an embedding of zeros.</summary>
    public override Tensor forward(Tensor input) => Forward(input, zeros([input.size(0), _time.weight.size(1)]));
}
