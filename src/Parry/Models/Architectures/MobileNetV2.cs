using Parry.Models.Architectures.Layers;
using static TorchSharp.torch;

namespace Parry.Models.Architectures;

/// <summary>
/// MobileNetV2 (Sandler et al., 2018, 1801.04381) in three layouts:
/// <list type="bullet">
/// <item>torchvision's <c>features.N.conv.M</c>, for 224x224 images normalized for ImageNet;</item>
/// <item>TensorFlow's with batch norm folded: 53 convolutions <c>conv0</c> to <c>conv52</c> in order, padded like SAME,
/// for 224x224 images in [-1, 1], with a background class if it has 1,001 classes;</item>
/// <item>kuangliu/pytorch-cifar's <c>layers.N.convM</c>, for 32x32 images.</item>
/// </list>
/// Widths are read from the sizes, so width multipliers other than 1 are supported too.
/// </summary>
internal static class MobileNetV2
{
    private static readonly (int Blocks, int Stride)[] s_stages =
    [
        (1, 1),
        (2, 2),
        (3, 2),
        (4, 2),
        (3, 1),
        (3, 2),
        (1, 1),
    ];

    /// <summary>A convolution and its batch norm, as the file names them.</summary>
    private sealed record Pair(string Conv, string? Norm);

    /// <summary>One inverted bottleneck: expands to many channels, filters them, and projects back to few.</summary>
    private sealed record Block(Pair? Expand, Pair Filter, Pair Project, int Stride)
    {
        public string? Shortcut { get; init; }
    }

    /// <summary>Recognizes the network in a state dictionary; null if it is not of this family.</summary>
    public static PublishedNetwork? Recognize(StateDictionary state) =>
        state.Has("features.1.conv.0.0.weight") ? Torchvision(state)
        : state.Has("conv52.weight") && state.Has("conv0.weight") ? TensorFlow(state)
        : state.Has("layers.0.conv3.weight") && state.Has("linear.weight") ? Cifar(state)
        : null;

    private static PublishedNetwork Torchvision(StateDictionary state)
    {
        int classes = state.Size("classifier.1.weight", 0);
        return new PublishedNetwork(
            "mobilenetv2",
            new ImageShape(3, 224, 224),
            classes,
            layers =>
                Layers(
                    layers,
                    state,
                    new Pair("features.0.0", "features.0.1"),
                    Blocks(Names),
                    new Pair("features.18.0", "features.18.1"),
                    stem: 2,
                    same: false,
                    () => nn.ReLU6(),
                    "classifier.1"
                )
        )
        {
            Contract = classes == 1000 ? ImageNet.Contract : new InputContract(),
        };

        static Block Names(int index, int stride)
        {
            string name = $"features.{index + 1}.conv";
            return index == 0
                ? new Block(null, new Pair(name + ".0.0", name + ".0.1"), new Pair(name + ".1", name + ".2"), stride)
                : new Block(
                    new Pair(name + ".0.0", name + ".0.1"),
                    new Pair(name + ".1.0", name + ".1.1"),
                    new Pair(name + ".2", name + ".3"),
                    stride
                );
        }
    }

    private static PublishedNetwork TensorFlow(StateDictionary state)
    {
        int outputs = state.Size("conv52.weight", 0);
        return new PublishedNetwork(
            "mobilenetv2",
            new ImageShape(3, 224, 224),
            outputs,
            layers =>
                Layers(
                    layers,
                    state,
                    new Pair("conv0", null),
                    Blocks(Names),
                    new Pair("conv51", null),
                    stem: 2,
                    same: true,
                    () => nn.ReLU6(),
                    "conv52"
                )
        )
        {
            Contract = new InputContract { Range = (-1, 1), Background = outputs == 1001 ? 1 : null },
        };

        // The first block has two convolutions, conv1 and conv2; all others have three.
        static Block Names(int index, int stride) =>
            index == 0
                ? new Block(null, new Pair("conv1", null), new Pair("conv2", null), stride)
                : new Block(
                    new Pair($"conv{3 * index}", null),
                    new Pair($"conv{(3 * index) + 1}", null),
                    new Pair($"conv{(3 * index) + 2}", null),
                    stride
                );
    }

    private static PublishedNetwork Cifar(StateDictionary state)
    {
        return new PublishedNetwork(
            "mobilenetv2",
            new ImageShape(3, 32, 32),
            state.Size("linear.weight", 0),
            layers =>
                Layers(
                    layers,
                    state,
                    new Pair("conv1", "bn1"),
                    Blocks(Names),
                    new Pair("conv2", "bn2"),
                    stem: 1,
                    same: false,
                    () => nn.ReLU(),
                    "linear"
                )
        );

        // For small images, its second stage keeps their size.
        Block Names(int index, int stride)
        {
            string name = $"layers.{index}";
            return new Block(
                new Pair(name + ".conv1", name + ".bn1"),
                new Pair(name + ".conv2", name + ".bn2"),
                new Pair(name + ".conv3", name + ".bn3"),
                index == 1 ? 1 : stride
            )
            {
                Shortcut = state.Has(name + ".shortcut.0.weight") ? name + ".shortcut" : null,
            };
        }
    }

    private static Block[] Blocks(Func<int, int, Block> names) =>
        [
            .. s_stages
                .SelectMany(stage => Enumerable.Range(0, stage.Blocks).Select(i => i == 0 ? stage.Stride : 1))
                .Select((stride, index) => names(index, stride)),
        ];

    private static (string, nn.Module<Tensor, Tensor>)[] Layers(
        ILayerSource layers,
        StateDictionary state,
        Pair first,
        Block[] blocks,
        Pair last,
        int stem,
        bool same,
        Func<nn.Module<Tensor, Tensor>> activation,
        string classifier
    )
    {
        int channels = state.Size(first.Conv + ".weight", 0);
        List<(string, nn.Module<Tensor, Tensor>)> made =
        [
            ("first", Layer.Sequential(Windows(first, 3, channels, stem, 1), activation())),
        ];
        for (int i = 0; i < blocks.Length; i++)
        {
            Block block = blocks[i];
            int hidden = state.Size(block.Filter.Conv + ".weight", 0);
            int outputs = state.Size(block.Project.Conv + ".weight", 0);
            List<nn.Module<Tensor, Tensor>> body = block.Expand is null
                ? []
                : [Pointwise(block.Expand, channels, hidden), activation()];
            body.AddRange([
                Windows(block.Filter, hidden, hidden, block.Stride, hidden),
                activation(),
                Pointwise(block.Project, hidden, outputs),
            ]);
            nn.Module<Tensor, Tensor> chain = Layer.Sequential([.. body]);
            nn.Module<Tensor, Tensor>? shortcut = block.Shortcut is { } projection
                ? Pointwise(new Pair(projection + ".0", projection + ".1"), channels, outputs)
                : null;
            made.Add(
                (
                    $"block{i}",
                    shortcut is not null || (block.Stride == 1 && channels == outputs)
                        ? new Residual(chain, shortcut)
                        : chain
                )
            );
            channels = outputs;
        }

        int wide = state.Size(last.Conv + ".weight", 0);
        int classes = state.Size(classifier + ".weight", 0);
        made.AddRange([
            ("last", Pointwise(last, channels, wide)),
            ("activation", activation()),
            ("pool", new AveragePool()),
        ]);
        return classifier == "conv52"
            ?
            [
                .. made,
                ("classifier", layers.Convolution(classifier, null, wide, classes, 1)),
                ("flatten", Layer.Flatten()),
            ]
            : [.. made, ("flatten", Layer.Flatten()), ("classifier", layers.Linear(classifier, wide, classes))];

        nn.Module<Tensor, Tensor> Pointwise(Pair pair, int inputs, int outputs) =>
            layers.Convolution(pair.Conv, pair.Norm, inputs, outputs, 1);

        // With an even side, SAME with stride 2 pads only the right and the bottom.
        nn.Module<Tensor, Tensor> Windows(Pair pair, int inputs, int outputs, int stride, int groups) =>
            same && stride == 2
                ? Layer.Sequential(
                    new ZeroPad(0, 1, 0, 1),
                    layers.Convolution(pair.Conv, pair.Norm, inputs, outputs, 3, 2, 0, groups)
                )
                : layers.Convolution(pair.Conv, pair.Norm, inputs, outputs, 3, stride, 1, groups);
    }
}
