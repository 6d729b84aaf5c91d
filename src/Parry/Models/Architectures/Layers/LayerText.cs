using System.Globalization;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Parry.Models.Architectures.Layers;

/// <summary>Describes layers for model listings.</summary>
internal static class LayerText
{
    /// <summary>Describes one layer with its sizes.</summary>
    public static string Of(nn.Module layer) =>
        layer switch
        {
            Conv2d conv => $"Conv2d({Sizes(conv)}{Unless(conv.dilation![0], 1, "dilation")}"
                + $"{Unless(conv.groups, 1, "groups")})",
            ConvTranspose2d conv =>
                $"ConvTranspose2d({Sizes(conv)}{Unless(conv.output_padding![0], 0, "output padding")})",
            Linear linear => $"Linear({linear.in_features}, {linear.out_features})",
            BatchNorm norm => $"BatchNorm({norm.num_features})",
            GroupNorm norm => $"GroupNorm({norm.num_groups}, {norm.weight!.numel()})",
            InstanceNorm norm => $"InstanceNorm({norm.num_features})",
            MaxPool2d pool => $"MaxPool2d(kernel {pool.kernel_size[0]}, stride {pool.stride[0]})",
            AvgPool2d pool => $"AvgPool2d(kernel {pool.kernel_size[0]}, stride {pool.stride[0]})",
            LeakyReLU activation => string.Create(
                CultureInfo.InvariantCulture,
                $"LeakyRelu({activation.negative_slope})"
            ),
            ReLU => "Relu",
            ReLU6 => "Relu6",
            Sequential chain => $"Sequential({chain.Count} layers)",
            Unflatten maps => $"Reshape({string.Join('x', maps.unflattened_size)})",
            Upsample => "Upsample(2)",
            Network => layer.ToString()!,
            _ => layer.GetType().Name,
        };

    private static string Sizes(Convolution layer) =>
        $"{layer.in_channels}, {layer.out_channels}, kernel {layer.kernel_size![0]}, stride {layer.stride![0]}"
        + Unless(layer.padding![0], 0, "padding");

    private static string Unless(long value, long usual, string name) => value == usual ? "" : $", {name} {value}";
}
