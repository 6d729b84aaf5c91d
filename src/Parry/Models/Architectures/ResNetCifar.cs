using Parry.Models.Architectures.Layers;
using static TorchSharp.torch;

namespace Parry.Models.Architectures;

/// <summary>
/// ResNet-20, 32, 44, 56, 110 for CIFAR (He et al., 2015, 1512.03385, section 4.2), with the weight names of
/// akamaster/pytorch_resnet_cifar10 (<c>linear</c>, parameter-free shortcuts: option A) or
/// chenyaofo/pytorch-cifar-models (<c>fc</c>, <c>downsample</c>: option B). The number of blocks and the widths are
/// read from the names and sizes.
/// </summary>
internal static class ResNetCifar
{
    private const int Stages = 3;
    private const int Stem = 16;

    /// <summary>Plans a network of option A with fresh weights.</summary>
    /// <param name="channels">The channels of its images, of any size.</param>
    /// <param name="depth">The number of layers with weights: 6n + 2.</param>
    /// <param name="classes">The number of classes.</param>
    public static NetworkPlan Plan(int channels, int depth, int classes)
    {
        int[] widths = [Stem, 2 * Stem, 4 * Stem];
        int[] blocks = [.. Enumerable.Repeat((depth - 2) / (2 * Stages), Stages)];
        return NetworkPlan.Of(layers => Layers(layers, channels, Stem, widths, blocks, _ => null, "linear", classes));
    }

    /// <summary>Recognizes the network in a state dictionary; null if it is not of this family.</summary>
    public static PublishedNetwork? Recognize(StateDictionary state)
    {
        if (
            !state.Has("layer1.0.conv1.weight")
            || !state.Has("layer3.0.conv1.weight")
            || state.Has("layer4.0.conv1.weight")
            || state.Has("layer1.0.conv3.weight")
            || !state.Has("conv1.weight")
        )
            return null;
        string last = state.Has("fc.weight") ? "fc" : "linear";
        int[] widths = new int[Stages];
        int[] blocks = new int[Stages];
        for (int stage = 0; stage < Stages; stage++)
        {
            widths[stage] = state.Size($"layer{stage + 1}.0.conv1.weight", 0);
            blocks[stage] = state.Count($"layer{stage + 1}.", ".conv1.weight");
        }

        int channels = state.Size("conv1.weight", 1);
        int classes = state.Size(last + ".weight", 0);
        int stem = state.Size("conv1.weight", 0);
        return new PublishedNetwork(
            $"resnet{2 + (2 * blocks.Sum())}",
            new ImageShape(channels, 32, 32),
            classes,
            layers => Layers(layers, channels, stem, widths, blocks, ShortcutOf(state), last, classes)
        );
    }

    private static (string, nn.Module<Tensor, Tensor>)[] Layers(
        ILayerSource layers,
        int channels,
        int stem,
        int[] widths,
        int[] blocks,
        Func<string, string?> shortcutOf,
        string last,
        int classes
    )
    {
        List<(string, nn.Module<Tensor, Tensor>)> made =
        [
            ("conv1", layers.Convolution("conv1", "bn1", channels, stem, 3, padding: 1)),
            ("relu", nn.ReLU()),
        ];
        int inputs = stem;
        for (int stage = 0; stage < Stages; stage++)
        {
            for (int block = 0; block < blocks[stage]; block++)
            {
                string name = $"layer{stage + 1}.{block}";
                int stride = stage > 0 && block == 0 ? 2 : 1;
                int outputs = widths[stage];
                var body = Layer.Sequential(
                    layers.Convolution(name + ".conv1", name + ".bn1", inputs, outputs, 3, stride, 1),
                    nn.ReLU(),
                    layers.Convolution(name + ".conv2", name + ".bn2", outputs, outputs, 3, padding: 1)
                );
                nn.Module<Tensor, Tensor>? shortcut =
                    shortcutOf(name) is { } projection
                        ? layers.Convolution(projection + ".0", projection + ".1", inputs, outputs, 1, stride)
                    : stride != 1 || inputs != outputs ? new Subsample(stride, outputs - inputs)
                    : null;
                made.Add((name.Replace('.', '-'), new Residual(body, shortcut)));
                made.Add(($"relu{stage + 1}-{block}", nn.ReLU()));
                inputs = outputs;
            }
        }

        return
        [
            .. made,
            ("pool", new AveragePool()),
            ("flatten", Layer.Flatten()),
            (last, layers.Linear(last, inputs, classes)),
        ];
    }

    private static Func<string, string?> ShortcutOf(StateDictionary state) =>
        block =>
            new[] { block + ".shortcut", block + ".downsample" }.FirstOrDefault(name => state.Has(name + ".0.weight"));

    /// <summary>The shortcut of option A: takes every second pixel, and adds channels of zeros on both sides.</summary>
    private sealed class Subsample(int stride, int channels) : Network
    {
        public override Tensor forward(Tensor input)
        {
            using Tensor rows = input.slice(2, 0, input.size(2), stride);
            using Tensor pixels = rows.slice(3, 0, input.size(3), stride);
            return nn.functional.pad(pixels, [0, 0, 0, 0, channels / 2, channels - (channels / 2)]);
        }

        public override string ToString() => $"Subsample(stride {stride}, {channels} more channels)";
    }
}
