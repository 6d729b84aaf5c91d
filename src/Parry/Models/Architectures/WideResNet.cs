using Parry.Models.Architectures.Layers;
using static TorchSharp.torch;

namespace Parry.Models.Architectures;

/// <summary>
/// WideResNet for CIFAR (Zagoruyko and Komodakis, 2016, 1605.07146), such as WRN-34-10 and WRN-28-10, as
/// xternalz/WideResNet-pytorch, TRADES and most of RobustBench name its weights. Depth and width are read
/// from the names and sizes. The <c>sub_block1</c> that files of TRADES hold is never used.
/// </summary>
internal static class WideResNet
{
    private const int Stages = 3;
    private const int Stem = 16;

    /// <summary>Plans a network with fresh weights.</summary>
    /// <param name="channels">The channels of its images, of any size.</param>
    /// <param name="depth">The number of layers with weights: 6n + 4.</param>
    /// <param name="factor">How many times wider than a ResNet's its maps are.</param>
    /// <param name="classes">The number of classes.</param>
    public static NetworkPlan Plan(int channels, int depth, int factor, int classes)
    {
        int[] widths = [Stem * factor, 2 * Stem * factor, 4 * Stem * factor];
        int[] blocks = [.. Enumerable.Repeat((depth - 4) / (2 * Stages), Stages)];
        return NetworkPlan.Of(layers => Layers(layers, channels, Stem, widths, blocks, classes));
    }

    /// <summary>Recognizes the network in a state dictionary; null if it is not of this family.</summary>
    public static PublishedNetwork? Recognize(StateDictionary state)
    {
        if (!state.Has("block1.layer.0.conv1.weight") || !state.Has("conv1.weight"))
            return null;
        int[] widths = new int[Stages];
        int[] blocks = new int[Stages];
        for (int stage = 0; stage < Stages; stage++)
        {
            widths[stage] = state.Size($"block{stage + 1}.layer.0.conv1.weight", 0);
            blocks[stage] = state.Count($"block{stage + 1}.layer.", ".conv1.weight");
        }

        int channels = state.Size("conv1.weight", 1);
        int stem = state.Size("conv1.weight", 0);
        int classes = state.Size("fc.weight", 0);
        return new PublishedNetwork(
            $"wideresnet-{4 + (2 * blocks.Sum())}-{widths[0] / stem}",
            new ImageShape(channels, 32, 32),
            classes,
            layers => Layers(layers, channels, stem, widths, blocks, classes)
        )
        {
            Ignored = "sub_block1.",
        };
    }

    private static (string, nn.Module<Tensor, Tensor>)[] Layers(
        ILayerSource layers,
        int channels,
        int stem,
        int[] widths,
        int[] blocks,
        int classes
    )
    {
        List<(string, nn.Module<Tensor, Tensor>)> made =
        [
            ("conv1", layers.Convolution("conv1", null, channels, stem, 3, padding: 1, bias: false)),
        ];
        int inputs = stem;
        for (int stage = 0; stage < Stages; stage++)
        {
            for (int block = 0; block < blocks[stage]; block++)
            {
                string name = $"block{stage + 1}.layer.{block}";
                int stride = stage > 0 && block == 0 ? 2 : 1;
                int outputs = widths[stage];
                var before = Layer.Sequential(layers.Norm(name + ".bn1", inputs), nn.ReLU());
                var body = Layer.Sequential(
                    layers.Convolution(name + ".conv1", name + ".bn2", inputs, outputs, 3, stride, 1),
                    nn.ReLU(),
                    layers.Convolution(name + ".conv2", null, outputs, outputs, 3, padding: 1, bias: false)
                );

                // If the width stays the same, only the body gets the normalized map.
                made.Add(
                    (
                        name.Replace('.', '-'),
                        inputs == outputs
                            ? new Residual(Layer.Sequential(before, body), null)
                            : new Residual(
                                body,
                                layers.Convolution(
                                    name + ".convShortcut",
                                    null,
                                    inputs,
                                    outputs,
                                    1,
                                    stride,
                                    bias: false
                                ),
                                before
                            )
                    )
                );
                inputs = outputs;
            }
        }

        return
        [
            .. made,
            ("bn1", layers.Norm("bn1", inputs)),
            ("relu", nn.ReLU()),
            ("pool", new AveragePool()),
            ("flatten", Layer.Flatten()),
            ("fc", layers.Linear("fc", inputs, classes)),
        ];
    }
}
