using static TorchSharp.torch;

namespace Parry.Models.Architectures.Layers;

/// <summary>
/// Changes the memory layout of a batch of images, and so of every map that convolutions compute from it, to channels
/// innermost, which is faster. Values and shape stay the same.
/// </summary>
public sealed class ChannelsLast : Network
{
    /// <inheritdoc/>
    public override Tensor forward(Tensor input) => Of(input);

    /// <summary>Returns [N, C, H, W] with channels innermost; tensors of other ranks are returned unchanged.</summary>
    public static Tensor Of(Tensor input)
    {
        if (input.shape.Length != 4)
            return input.view_as(input);
        if (input.size(1) != 1)
        {
            using Tensor innermost = input.permute(0, 2, 3, 1);
            using Tensor pixels = innermost.contiguous();
            return pixels.permute(0, 3, 1, 2);
        }

        // With one channel both layouts are the same in memory, and only the order of the strides tells LibTorch which
        // one is meant.
        using Tensor rows = input.reshape(input.size(0), input.size(2), input.size(3), 1);
        return rows.permute(0, 3, 1, 2);
    }

    /// <summary>
    /// Returns a contiguous tensor whose strides are those of its shape. A tensor with one channel is contiguous in
    /// either layout, and convolutions follow its strides.
    /// </summary>
    internal static Tensor Undo(Tensor input)
    {
        using Tensor rows = input.contiguous().reshape(-1);
        return rows.reshape(input.shape);
    }

    /// <inheritdoc/>
    public override string ToString() => "ChannelsLast";
}
