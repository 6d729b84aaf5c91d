using static TorchSharp.torch;

namespace Parry.Tests.Models;

/// <summary>
/// The names and shapes of weights as public code has them, and weights that Python can make too, so that its outputs
/// can be compared.
/// </summary>
internal sealed class PublishedState
{
    private readonly SortedDictionary<string, long[]> _shapes = new(StringComparer.Ordinal);

    /// <summary>How many numbers PyTorch counts as parameters: all but running statistics.</summary>
    public long Parameters =>
        _shapes
            .Where(entry => !entry.Key.Contains("running_", StringComparison.Ordinal))
            .Sum(entry => entry.Value.Aggregate(1L, (product, size) => product * size));

    /// <summary>akamaster's ResNet with option A, or with projections and its last layer under other names.</summary>
    public static PublishedState ResNet(int blocks, string? shortcut = null, string last = "linear")
    {
        var state = new PublishedState();
        state.Conv("conv1", "bn1", 16, 3, 3);
        int inputs = 16;
        for (int stage = 1; stage <= 3; stage++)
        {
            int outputs = 8 << stage;
            for (int block = 0; block < blocks; block++)
            {
                string name = $"layer{stage}.{block}";
                state.Conv(name + ".conv1", name + ".bn1", outputs, inputs, 3);
                state.Conv(name + ".conv2", name + ".bn2", outputs, outputs, 3);
                if (shortcut is not null && inputs != outputs)
                    state.Conv($"{name}.{shortcut}.0", $"{name}.{shortcut}.1", outputs, inputs, 1);
                inputs = outputs;
            }
        }

        return state.Linear(last, 10, 64);
    }

    /// <summary>xternalz's WideResNet.</summary>
    public static PublishedState WideResNet(int blocks, int widen)
    {
        var state = new PublishedState();
        state.Conv("conv1", null, 16, 3, 3);
        int inputs = 16;
        for (int stage = 1; stage <= 3; stage++)
        {
            int outputs = (8 << stage) * widen;
            for (int block = 0; block < blocks; block++)
            {
                string name = $"block{stage}.layer.{block}";
                state.Norm(name + ".bn1", inputs);
                state.Conv(name + ".conv1", name + ".bn2", outputs, inputs, 3);
                state.Conv(name + ".conv2", null, outputs, outputs, 3);
                if (inputs != outputs)
                    state.Conv(name + ".convShortcut", null, outputs, inputs, 1);
                inputs = outputs;
            }
        }

        state.Norm("bn1", inputs);
        return state.Linear("fc", 10, inputs);
    }

    /// <summary>
    /// torchvision's VGG; 0 is a pool. The linear layers follow the last pool, whose map has this side.
    /// </summary>
    public static PublishedState Vgg(int[] layers, bool norm, int side, params (string Name, int Outputs)[] linears)
    {
        var state = new PublishedState();
        int number = 0;
        int inputs = 3;
        foreach (int width in layers)
        {
            if (width == 0)
            {
                number++;
                continue;
            }

            state.Conv($"features.{number}", norm ? $"features.{number + 1}" : null, width, inputs, 3);
            state._shapes[$"features.{number}.bias"] = [width];
            number += norm ? 3 : 2;
            inputs = width;
        }

        inputs *= side * side;
        foreach (var (name, outputs) in linears)
        {
            state.Linear(name, outputs, inputs);
            inputs = outputs;
        }

        return state;
    }

    /// <summary>
    /// torchvision's MobileNetV2 with these widths: of the first convolution, of the seven stages, of the last
    /// convolution.
    /// </summary>
    public static PublishedState MobileNetV2(int first, int[] widths, int last, int classes)
    {
        var state = new PublishedState();
        state.Conv("features.0.0", "features.0.1", first, 3, 3);
        int number = 1;
        int inputs = first;
        foreach (var (width, blocks) in widths.Zip([1, 2, 3, 4, 3, 3, 1]))
        {
            for (int block = 0; block < blocks; block++, number++)
            {
                string name = $"features.{number}.conv";
                int hidden = number == 1 ? inputs : 6 * inputs;
                int at = number == 1 ? 0 : 1;
                if (at == 1)
                    state.Conv(name + ".0.0", name + ".0.1", hidden, inputs, 1);
                state.Conv($"{name}.{at}.0", $"{name}.{at}.1", hidden, 1, 3);
                state.Conv($"{name}.{at + 1}", $"{name}.{at + 2}", width, hidden, 1);
                inputs = width;
            }
        }

        state.Conv("features.18.0", "features.18.1", last, inputs, 1);
        return state.Linear("classifier.1", classes, last);
    }

    /// <summary>kuangliu's MobileNetV2 with these widths.</summary>
    public static PublishedState SmallMobileNetV2(int first, int[] widths, int last)
    {
        var state = new PublishedState();
        state.Conv("conv1", "bn1", first, 3, 3);
        int number = 0;
        int inputs = first;
        foreach (var (width, blocks) in widths.Zip([1, 2, 3, 4, 3, 3, 1]))
        {
            for (int block = 0; block < blocks; block++, number++)
            {
                string name = $"layers.{number}";
                int hidden = number == 0 ? inputs : 6 * inputs;
                state.Conv(name + ".conv1", name + ".bn1", hidden, inputs, 1);
                state.Conv(name + ".conv2", name + ".bn2", hidden, 1, 3);
                state.Conv(name + ".conv3", name + ".bn3", width, hidden, 1);

                // Those with stride 1, where the width changes.
                if (inputs != width && number is 0 or 1 or 10 or 16)
                    state.Conv(name + ".shortcut.0", name + ".shortcut.1", width, inputs, 1);
                inputs = width;
            }
        }

        state.Conv("conv2", "bn2", last, inputs, 1);
        return state.Linear("linear", 10, last);
    }

    /// <summary>Two convolutions and linear layers.</summary>
    public static PublishedState LeNet(int channels, int kernel, int first, int second, params int[] features)
    {
        var state = new PublishedState();
        state.Conv("conv1", null, first, channels, kernel);
        state.Conv("conv2", null, second, first, kernel);
        state._shapes["conv1.bias"] = [first];
        state._shapes["conv2.bias"] = [second];
        for (int i = 1; i < features.Length; i++)
            state.Linear($"fc{i}", features[i], features[i - 1]);
        return state;
    }

    /// <summary>Sines, of a size that keeps maps in bounds. The caller owns them.</summary>
    public Dictionary<string, Tensor> Tensors()
    {
        var tensors = new Dictionary<string, Tensor>();
        foreach (var (name, shape) in _shapes)
        {
            long count = shape.Aggregate(1L, (product, size) => product * size);
            double spread = Math.Sqrt(2.0 / (count / shape[0]));
            int number = tensors.Count;
            string kind = name[(name.LastIndexOf('.') + 1)..];
            float[] values =
            [
                .. Enumerable
                    .Range(0, (int)count)
                    .Select(i => Math.Sin(1 + (0.37 * i) + number))
                    .Select(sine =>
                        (float)(
                            kind switch
                            {
                                "running_var" => 1 + (0.5 * sine),
                                "running_mean" or "bias" => 0.1 * sine,
                                _ => shape.Length == 1 ? 1 + (0.2 * sine) : sine * spread,
                            }
                        )
                    ),
            ];
            tensors[name] = tensor(values, shape);
        }

        return tensors;
    }

    /// <summary>Zeros that share one number, for counting.</summary>
    public Dictionary<string, Tensor> Zeros() =>
        _shapes.ToDictionary(entry => entry.Key, entry => zeros([1]).expand(entry.Value));

    private void Conv(string name, string? norm, int outputs, int inputs, int kernel)
    {
        _shapes[name + ".weight"] = [outputs, inputs, kernel, kernel];
        if (norm is not null)
            Norm(norm, outputs);
    }

    private void Norm(string name, int features)
    {
        foreach (string part in (string[])["weight", "bias", "running_mean", "running_var"])
            _shapes[$"{name}.{part}"] = [features];
    }

    private PublishedState Linear(string name, int outputs, int inputs)
    {
        _shapes[name + ".weight"] = [outputs, inputs];
        _shapes[name + ".bias"] = [outputs];
        return this;
    }
}
