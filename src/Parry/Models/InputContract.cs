using System.Globalization;
using System.Text.Json;
using static TorchSharp.torch;

namespace Parry.Models;

/// <summary>
/// The inputs and outputs of a model that Parry did not train. What is null is unknown: the model's file may say it,
/// otherwise the default applies. The values of an image, [0, 1] everywhere in Parry, are scaled to
/// <see cref="Range"/>; then the mean is subtracted and the result divided by the standard deviation, both in units of
/// the range and in the order of the model's channels.
/// </summary>
public sealed record InputContract
{
    // Stands for a probability that underflowed to 0, whose logarithm would be infinite.
    private const double SmallestProbability = 1e-30;

    private const double SumTolerance = 1e-3;

    /// <summary>The shape of the images it takes.</summary>
    public ImageShape? Size { get; init; }

    /// <summary>The mean subtracted from each channel; a single number is for all channels. 0 if null.</summary>
    public IReadOnlyList<double>? Mean { get; init; }

    /// <summary>
    /// The standard deviation that each channel is divided by; a single number is for all channels. 1 if null.
    /// </summary>
    public IReadOnlyList<double>? Std { get; init; }

    /// <summary>The order of the input dimensions. Channels first if null.</summary>
    public ImageLayout? Layout { get; init; }

    /// <summary>The order of the color channels. Red, green, blue if null.</summary>
    public ChannelOrder? Channels { get; init; }

    /// <summary>The values that 0 and 1 are mapped to, such as (0, 255) or (-1, 1). (0, 1) if null.</summary>
    public (double Low, double High)? Range { get; init; }

    /// <summary>What the outputs are. Inferred from outputs if null.</summary>
    public OutputKind? Outputs { get; init; }

    /// <summary>The names of the classes without the background; the label is the index.</summary>
    public IReadOnlyList<string>? ClassNames { get; init; }

    /// <summary>
    /// The number of first outputs that are background and not a class, as in TensorFlow's ImageNet models. 0 if null.
    /// </summary>
    public int? Background { get; init; }

    /// <summary>
    /// The output that has the scores: its name in an ONNX file, its place in what a TorchScript module returns, from 0
    /// on, or its name there. Inferred if null.
    /// </summary>
    public string? Output { get; init; }

    /// <summary>
    /// Whether rounding inside an ONNX file, and clipping of its pixels, has the gradient of the identity in place of
    /// none.
    /// </summary>
    public bool StraightThrough { get; init; }

    /// <summary>
    /// The memory, in GiB, that an ONNX graph may ask for when it is tried on a few images at loading; what it may
    /// compute is bounded in proportion. 1 if null. Raise it for large graphs from somebody you trust.
    /// </summary>
    public double? Memory { get; init; }

    /// <summary>
    /// Reads the contract from a file's metadata: <c>mean</c>, <c>std</c> and <c>range</c> as numbers between commas,
    /// <c>classes</c> or <c>labels</c> as a JSON list, <c>layout</c>, and the order of the channels as
    /// <c>channels</c> or ONNX's <c>Image.BitmapPixelFormat</c>; what cannot be read stays null.
    /// </summary>
    public static InputContract FromMetadata(IReadOnlyDictionary<string, string> metadata)
    {
        double[]? range = Numbers("range", 2);
        return new InputContract
        {
            Mean = Numbers("mean", 3),
            Std = Numbers("std", 3) is { } deviations && deviations.All(value => value > 0) ? deviations : null,
            Range = range is [var low, var high] && low < high ? (low, high) : null,
            ClassNames = Names("classes") ?? Names("labels"),
            Layout = metadata.GetValueOrDefault("layout")?.ToLowerInvariant() switch
            {
                "nhwc" => ImageLayout.Nhwc,
                "nchw" => ImageLayout.Nchw,
                _ => null,
            },
            Channels = (Entry("channels") ?? Entry("Image.BitmapPixelFormat"))?.ToLowerInvariant() switch
            {
                "bgr" or "bgr8" => ChannelOrder.Bgr,
                "rgb" or "rgb8" => ChannelOrder.Rgb,
                _ => null,
            },
        };

        string? Entry(string key) => metadata.GetValueOrDefault(key);

        double[]? Numbers(string key, int count)
        {
            double[] values =
            [
                .. metadata
                    .GetValueOrDefault(key, "")
                    .Trim('[', ']', '(', ')', ' ')
                    .Split(',')
                    .Select(text =>
                        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
                            ? value
                            : double.NaN
                    ),
            ];
            return (values.Length == count || (values.Length == 1 && count == 3)) && values.All(double.IsFinite)
                ? values
                : null;
        }

        string[]? Names(string key)
        {
            string text = metadata.GetValueOrDefault(key, "").Trim();
            try
            {
                return
                    text.StartsWith('[')
                    && JsonSerializer.Deserialize<string?[]>(text) is { } names
                    && !names.Contains(null)
                    ? Array.ConvertAll(names, name => name!)
                    : null;
            }
            catch (JsonException)
            {
                return null;
            }
        }
    }

    /// <summary>This contract, with its nulls filled from another.</summary>
    public InputContract Or(InputContract other) =>
        new()
        {
            Size = Size ?? other.Size,
            Mean = Mean ?? other.Mean,
            Std = Std ?? other.Std,
            Layout = Layout ?? other.Layout,
            Channels = Channels ?? other.Channels,
            Range = Range ?? other.Range,
            Outputs = Outputs ?? other.Outputs,
            ClassNames = ClassNames ?? other.ClassNames,
            Background = Background ?? other.Background,
            Output = Output ?? other.Output,
            StraightThrough = StraightThrough || other.StraightThrough,
            Memory = Memory ?? other.Memory,
        };

    /// <summary>Converts images to the model's input; differentiable.</summary>
    /// <param name="images">[N, C, H, W] in [0, 1].</param>
    /// <returns>[N, C, H, W], or [N, H, W, C] if channels come last.</returns>
    public Tensor ToModel(Tensor images)
    {
        int channels = (int)images.size(1);
        var (low, high) = Range ?? (0, 1);
        double[] scale = [.. Enumerable.Range(0, channels).Select(channel => (high - low) / Of(Std, channel, 1))];
        double[] shift =
        [
            .. Enumerable.Range(0, channels).Select(channel => (low - Of(Mean, channel, 0)) / Of(Std, channel, 1)),
        ];
        Tensor taken = Channels == ChannelOrder.Bgr ? images.flip(1) : images;
        if (scale.Any(factor => factor != 1))
            taken *= PerChannel(scale);
        if (shift.Any(offset => offset != 0))
            taken += PerChannel(shift);
        return Layout == ImageLayout.Nhwc ? taken.permute(0, 2, 3, 1) : taken;
    }

    /// <summary>
    /// Converts a model's outputs to logits [N, classes]; differentiable. Outputs are [N, outputs], or [N] or [N, 1] if
    /// one number, the score of the second class, decides between two classes. For probabilities, the logits are the
    /// logarithms.
    /// </summary>
    public Tensor ToLogits(Tensor outputs)
    {
        Tensor rows = outputs.shape.Length == 1 ? outputs.unsqueeze(1) : outputs.reshape(outputs.size(0), -1);
        bool probabilities = Outputs == OutputKind.Probabilities;
        if (rows.size(1) == 1)
        {
            // Two logits of the same softmax, each with a gradient.
            Tensor score = probabilities ? Log(rows) - Log(1.0 - rows) : rows;
            return cat([score / -2.0, score / 2.0], 1);
        }

        if (Background is > 0 and int background)
            rows = rows.slice(1, background, rows.size(1), 1);
        return probabilities ? Log(rows) : rows;
    }

    /// <summary>The option that only files with a graph understand, if one is set.</summary>
    internal string? GraphOption =>
        StraightThrough ? "--straight-through"
        : Memory is not null ? "--model-memory"
        : null;

    /// <summary>
    /// Checks that the mean, the standard deviation and the order of channels fit the model's number of channels.
    /// </summary>
    /// <exception cref="UserErrorException">One of them has another number of values, or gray images have an
    /// order.</exception>
    public void CheckChannels(int channels)
    {
        if (new[] { Mean, Std }.Any(values => values is not null && values.Count != 1 && values.Count != channels))
            throw new UserErrorException(
                $"The model takes images of {channels} channels, and the mean or standard deviation has another "
                    + "number of values: give one number, or one for each channel."
            );
        if (Channels == ChannelOrder.Bgr && channels != 3)
            throw new UserErrorException(
                $"The model takes images of {channels} channels, and the order blue, green, red needs 3: leave it out."
            );
    }

    /// <summary>
    /// Whether the scores of one image are a distribution: none negative, with the sum 1. Logits hardly ever are by
    /// chance.
    /// </summary>
    internal static bool IsDistribution(ReadOnlySpan<float> scores)
    {
        double sum = 0;
        foreach (float score in scores)
        {
            if (!(score >= 0))
                return false;
            sum += score;
        }

        return Math.Abs(sum - 1) < SumTolerance;
    }

    /// <summary>The number of classes for a number of outputs.</summary>
    public int ClassesOf(int outputs) => (outputs == 1 ? 2 : outputs) - (Background ?? 0);

    /// <summary>Describes a model's inputs and outputs in words.</summary>
    public string Describe(ImageShape shape, int classes)
    {
        string inside = string.Concat(
            Range is { } range ? $"; scaled to [{Text(range.Low)}, {Text(range.High)}]" : "",
            Mean is { } mean ? $"; minus the mean {string.Join(", ", mean.Select(Text))}" : "",
            Std is { } deviation ? $"; divided by {string.Join(", ", deviation.Select(Text))}" : "",
            Layout == ImageLayout.Nhwc ? "; channels last" : "",
            Channels == ChannelOrder.Bgr ? "; channels in the order blue, green, red" : ""
        );
        string scores = Outputs == OutputKind.Probabilities ? "probabilities" : "logits";
        string skipped = Background is > 0 and int background ? $" after {background} that stand for no class" : "";
        return $"images [N, {shape.Channels}, {shape.Height}, {shape.Width}], float32 in [0, 1]{inside}; "
            + $"gives {classes} {scores}{skipped}";
    }

    private static Tensor Log(Tensor probabilities) => probabilities.clamp_min(SmallestProbability).log();

    private static string Text(double value) => value.ToString("0.####", CultureInfo.InvariantCulture);

    private static Tensor PerChannel(double[] values) =>
        tensor(Array.ConvertAll(values, value => (float)value), [1, values.Length, 1, 1]);

    private static double Of(IReadOnlyList<double>? values, int channel, double ordinary) =>
        values is null ? ordinary
        : values.Count == 1 ? values[0]
        : values[channel];
}
