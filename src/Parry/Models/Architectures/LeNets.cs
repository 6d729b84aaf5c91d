using Parry.Models.Architectures.Layers;
using static TorchSharp.torch;

namespace Parry.Models.Architectures;

/// <summary>
/// Small networks like LeNet (LeCun et al., 1998): two convolutions, then two or three linear layers, whatever their
/// names and widths. The sizes must fit exactly one of these; all use ReLU and maximum pools, even if the originals
/// differ:
/// <list type="bullet">
/// <item><c>lenet</c>: 5x5 kernels, a pool after each convolution, two linear layers, 28x28 or 32x32 images, like the
/// networks of DeepRobust;</item>
/// <item><c>mnist-example</c>: 3x3 kernels, one pool after both, two linear layers, 28x28 images, like PyTorch's basic
/// MNIST example;</item>
/// <item><c>lenet-5</c>: 5x5 kernels, a pool after each, three linear layers, 28x28 or 32x32 images, like PyTorch's
/// CIFAR tutorial;</item>
/// <item><c>lenet-5-padded</c>: the same for 28x28 images padded to 32x32.</item>
/// </list>
/// </summary>
internal static class LeNets
{
    private static readonly Form[] s_forms =
    [
        new("lenet", 28, 5, 2, 0, true),
        new("lenet", 32, 5, 2, 0, true),
        new("mnist-example", 28, 3, 2, 0, false),
        new("lenet-5", 28, 5, 3, 0, true),
        new("lenet-5", 32, 5, 3, 0, true),
        new("lenet-5-padded", 28, 5, 3, 2, true),
    ];

    private sealed record Form(string Name, int Side, int Kernel, int Linears, int Padding, bool TwoPools)
    {
        // The side of the last map.
        public int Last
        {
            get
            {
                int first = Side + (2 * Padding) - Kernel + 1;
                return TwoPools ? ((first / 2) - Kernel + 1) / 2 : (first - Kernel + 1) / 2;
            }
        }
    }

    /// <summary>Recognizes the network in a state dictionary; null if it is none of these.</summary>
    /// <param name="state">The weights.</param>
    /// <param name="size">The shape of the images it is to be used on, which decides between networks with the same
    /// weights; null if unknown.</param>
    /// <exception cref="InvalidDataException">The sizes fit several networks, and the image size is
    /// unknown.</exception>
    public static PublishedNetwork? Recognize(StateDictionary state, ImageShape? size)
    {
        string[] layers =
        [
            .. state
                .Names.Where(name => name.EndsWith(".weight", StringComparison.Ordinal))
                .Select(name => name[..^".weight".Length])
                .Order(StringComparer.Ordinal),
        ];
        string[] convolutions = [.. layers.Where(name => state.Find(name + ".weight")!.shape.Length == 4)];
        string[] linears = [.. layers.Where(name => state.Find(name + ".weight")!.shape.Length == 2)];
        if (
            convolutions.Length != 2
            || linears.Length is not (2 or 3)
            || state.Names.Count() != 2 * layers.Length
            || layers.Length != convolutions.Length + linears.Length
        )
            return null;
        int channels = state.Size(convolutions[0] + ".weight", 1);
        int first = state.Size(convolutions[0] + ".weight", 0);
        int second = state.Size(convolutions[1] + ".weight", 0);
        int kernel = state.Size(convolutions[0] + ".weight", 2);
        int inputs = state.Size(linears[0] + ".weight", 1);
        Form[] fitting =
        [
            .. s_forms.Where(form =>
                form.Kernel == kernel
                && form.Linears == linears.Length
                && (long)second * form.Last * form.Last == inputs
            ),
        ];

        // Color images for these networks are CIFAR's.
        if (channels == 3 && fitting.Any(form => form.Side == 32))
            fitting = [.. fitting.Where(form => form.Side == 32)];
        if (size is { } wanted && fitting.Any(form => (form.Side, form.Side) == (wanted.Height, wanted.Width)))
            fitting = [.. fitting.Where(form => form.Side == wanted.Height)];
        if (fitting.Length == 0)
            return null;
        if (fitting.Length > 1)
        {
            var named = fitting.Select(form => $"{form.Name} for {channels}x{form.Side}x{form.Side} images");
            throw new InvalidDataException(
                $"Its weights fit {string.Join(" and ", named)}; give the size of its images (--input-size)."
            );
        }

        int[] widths = [.. linears.Select(name => state.Size(name + ".weight", 0))];
        return new PublishedNetwork(
            fitting[0].Name,
            new ImageShape(channels, fitting[0].Side, fitting[0].Side),
            widths[^1],
            reader => Layers(reader, fitting[0], convolutions, linears, channels, first, second, widths)
        )
        {
            TakesOthers = false,
        };
    }

    private static (string, nn.Module<Tensor, Tensor>)[] Layers(
        ILayerSource layers,
        Form form,
        string[] convolutions,
        string[] linears,
        int channels,
        int first,
        int second,
        int[] widths
    )
    {
        List<(string, nn.Module<Tensor, Tensor>)> made =
        [
            ("conv1", layers.Convolution(convolutions[0], null, channels, first, form.Kernel, padding: form.Padding)),
            ("relu1", nn.ReLU()),
        ];
        if (form.TwoPools)
            made.Add(("pool1", Layer.MaxPool2d(2)));
        made.AddRange([
            ("conv2", layers.Convolution(convolutions[1], null, first, second, form.Kernel)),
            ("relu2", nn.ReLU()),
            ("pool2", Layer.MaxPool2d(2)),
            ("flatten", Layer.Flatten()),
        ]);
        int inputs = second * form.Last * form.Last;
        for (int i = 0; i < linears.Length; i++)
        {
            if (i > 0)
                made.Add(($"relu-fc{i}", nn.ReLU()));
            made.Add(($"fc{i + 1}", layers.Linear(linears[i], inputs, widths[i])));
            inputs = widths[i];
        }

        return [.. made];
    }
}
