using System.Globalization;
using Parry.Models.Architectures.Layers;
using static TorchSharp.torch;

namespace Parry.Models.Architectures;

/// <summary>
/// VGG-11, 13, 16 and 19 (Simonyan and Zisserman, 2014, 1409.1556), with and without batch norm, as torchvision names
/// the weights: <c>features.N</c> and <c>classifier.N</c>, for 224x224 images; or one linear <c>classifier</c> or
/// several narrow ones after a 1x1 map, for CIFAR. The numbers N tell the positions of pools, the first linear layer
/// tells the size of the last map. Dropout has no weights and does nothing at inference.
/// </summary>
internal static class Vgg
{
    private sealed record Features(string Name, string? Norm, int Inputs, int Outputs, bool Pool);

    private const int SmallestSide = 32;

    // Two convolutions of each width, then a pool.
    private static readonly int[] s_widths13 = [64, 128, 256, 512, 512];

    /// <summary>
    /// Plans VGG-13 for CIFAR with fresh weights: batch norm after each convolution, and one linear layer.
    /// </summary>
    /// <exception cref="UserErrorException">The images are too small for its five pools.</exception>
    public static NetworkPlan Plan13(ImageShape shape, int classes)
    {
        if (Math.Min(shape.Height, shape.Width) < SmallestSide)
            throw new UserErrorException(
                $"expected images of at least {SmallestSide}x{SmallestSide} for vgg13-bn, got {shape}: choose another "
                    + "architecture, such as resnet32"
            );
        var features = new List<Features>();
        int inputs = shape.Channels;
        foreach (int width in s_widths13)
        {
            features.Add(new Features("", "", inputs, width, Pool: false));
            features.Add(new Features("", "", width, width, Pool: true));
            inputs = width;
        }

        return NetworkPlan.Of(layers => Layers(layers, features, [("classifier", classes)], side: 1));
    }

    /// <summary>Recognizes the network in a state dictionary; null if it is not of this family.</summary>
    /// <exception cref="InvalidDataException">It is of this family, but its numbers do not fit the layers
    /// between.</exception>
    public static PublishedNetwork? Recognize(StateDictionary state)
    {
        int[] numbers = Numbers(state, "features.", name => state.Find(name)!.shape.Length == 4);
        string[] linears = state.Has("classifier.weight")
            ? ["classifier"]
            : [.. Numbers(state, "classifier.", _ => true).Select(number => $"classifier.{number}")];
        if (
            numbers.Length < 4
            || linears.Length == 0
            || numbers[0] != 0
            || numbers.Any(number => state.Size($"features.{number}.weight", 2) != 3)
        )
            return null;
        var features = new List<Features>();
        for (int i = 0; i < numbers.Length; i++)
        {
            string name = $"features.{numbers[i]}";
            string norm = $"features.{numbers[i] + 1}";
            bool normed = state.Has(norm + ".running_mean");
            int next = numbers[i] + (normed ? 3 : 2);
            bool pool = i + 1 == numbers.Length || numbers[i + 1] == next + 1;
            if (!pool && numbers[i + 1] != next)
                throw new InvalidDataException(
                    $"Its names are those of VGG, but the layer after '{name}' is 'features.{numbers[i + 1]}'; "
                        + $"expected 'features.{next}' or, after a pool, 'features.{next + 1}'."
                );
            features.Add(
                new Features(
                    name,
                    normed ? norm : null,
                    state.Size(name + ".weight", 1),
                    state.Size(name + ".weight", 0),
                    pool
                )
            );
        }

        int wide = features[^1].Outputs;
        int side = (int)Math.Sqrt(state.Size(linears[0] + ".weight", 1) / wide);
        return Network(features, [.. linears.Select(name => (name, state.Size(name + ".weight", 0)))], side);
    }

    private static PublishedNetwork Network(
        IReadOnlyList<Features> features,
        (string Name, int Outputs)[] linears,
        int side
    )
    {
        int pixels = Math.Max(1, side) << Math.Min(10, features.Count(layer => layer.Pool));
        int classes = linears[^1].Outputs;
        return new PublishedNetwork(
            $"vgg{features.Count + 3}{(features[0].Norm is null ? "" : "-bn")}",
            new ImageShape(features[0].Inputs, pixels, pixels),
            classes,
            layers => Layers(layers, features, linears, side)
        )
        {
            Contract = (pixels, classes) == (224, 1000) ? ImageNet.Contract : new InputContract(),
        };
    }

    private static (string, nn.Module<Tensor, Tensor>)[] Layers(
        ILayerSource layers,
        IReadOnlyList<Features> features,
        (string Name, int Outputs)[] linears,
        int side
    )
    {
        var made = new List<(string, nn.Module<Tensor, Tensor>)>();
        foreach (Features layer in features)
        {
            made.Add(
                (
                    $"conv{made.Count}",
                    layers.Convolution(layer.Name, layer.Norm, layer.Inputs, layer.Outputs, 3, padding: 1)
                )
            );
            made.Add(($"relu{made.Count}", nn.ReLU()));
            if (layer.Pool)
                made.Add(($"pool{made.Count}", Layer.MaxPool2d(2)));
        }

        made.AddRange([("pool", new AveragePool(Math.Max(1, side))), ("flatten", Layer.Flatten())]);
        int inputs = features[^1].Outputs * side * side;
        foreach (var (name, outputs) in linears)
        {
            if (name != linears[0].Name)
                made.Add(($"relu{made.Count}", nn.ReLU()));
            made.Add((name.Replace('.', '-'), layers.Linear(name, inputs, outputs)));
            inputs = outputs;
        }

        return [.. made];
    }

    private static int[] Numbers(StateDictionary state, string prefix, Func<string, bool> wanted) =>
        [
            .. state
                .Names.Where(name =>
                    name.StartsWith(prefix, StringComparison.Ordinal)
                    && name.EndsWith(".weight", StringComparison.Ordinal)
                    && wanted(name)
                )
                .Select(name =>
                    int.TryParse(
                        name[prefix.Length..^".weight".Length],
                        NumberStyles.None,
                        CultureInfo.InvariantCulture,
                        out int number
                    )
                        ? number
                        : -1
                )
                .Where(number => number is >= 0 and < 1000)
                .Order(),
        ];
}
