using Parry.Torch;
using Parry.Torch.Nn;

namespace Parry.Models.Architectures;

/// <summary>
/// Lays a batch of images out with channels innermost, and with it every map that convolutions make of it: they are faster so. Values and shape stay.
/// </summary>
internal sealed class ChannelsLast : Module
{
    public override Tensor Forward(Tensor input) => Of(input);

    /// <summary>[N, C, H, W] with channels innermost; tensors of other ranks as they are.</summary>
    public static Tensor Of(Tensor input)
    {
        if (input.Shape.Length != 4) return input.Alias();
        if (input.Size(1) != 1) return input.Contiguous(MemoryFormat.ChannelsLast).Alias();

        // With one channel both layouts are the same memory, and only strides written in the other order tell LibTorch which one is meant.
        using Tensor rows = input.Reshape(input.Size(0), input.Size(2), input.Size(3), 1);
        return rows.Permute(0, 3, 1, 2);
    }

    public override string ToString() => "ChannelsLast";
}
