using System.CommandLine;
using System.Globalization;
using Parry.Models;
using Parry.Models.Files;
using Parry.Models.TorchScript;
using Parry.Runtime;

namespace Parry.Cli;

/// <summary>
/// The options that name a model, and those that describe the inputs and outputs of one whose file does not.
/// </summary>
internal sealed class ModelOptions
{
    private const int LargestSide = 1 << 14;
    private const double LongestTimeout = 1e6;

    private readonly Option<string> _model = new("--model")
    {
        Description =
            $"A model file ({ModelCatalog.FileKinds}), an {ModelCatalog.UrlKinds}, or the name of a model that ships, "
            + "such as fashion-mnist/a.",
        HelpName = "MODEL",
        Required = true,
    };
    private readonly Option<string?> _http = Arguments.Http();
    private readonly Option<string?> _size = new("--input-size")
    {
        Description = "The shape of the model's images, such as 3x224x224, or 224 for three channels.",
        HelpName = "CxHxW",
    };
    private readonly Option<string?> _mean = new("--mean")
    {
        Description =
            "What to subtract from each channel: one number, or one for each channel such as 0.485,0.456,0.406, in "
            + "units of --range.",
        HelpName = "N,…",
    };
    private readonly Option<string?> _std = new("--std")
    {
        Description = "What to divide each channel by afterwards, such as 0.229,0.224,0.225.",
        HelpName = "N,…",
    };
    private readonly Option<string?> _layout = new("--layout")
    {
        Description = "The order of the model's input dimensions: nchw (PyTorch) or nhwc (TensorFlow).",
    };
    private readonly Option<string?> _channels = new("--channels")
    {
        Description =
            "The order of the model's color channels, and of --mean and --std: rgb (default) or bgr (Caffe, OpenCV).",
    };
    private readonly Option<string?> _range = new("--range")
    {
        Description = "The model's values for black and white: 0,1 (default), -1,1 or 0,255.",
        HelpName = "LOW,HIGH",
    };
    private readonly Option<string?> _outputs = new("--outputs")
    {
        Description = "What the model returns: logits or probabilities (default: inferred from its outputs).",
    };
    private readonly Option<string?> _labels = new("--labels")
    {
        Description = "A file with the names of the model's classes, one per line or a JSON list.",
        HelpName = "FILE",
    };
    private readonly Option<int?> _background = Arguments.Optional<int>(
        "--background",
        "How many of the model's first outputs are not classes, such as 1 for TensorFlow's ImageNet models.",
        orZero: true
    );

    private readonly Option<string?> _output = new("--output")
    {
        Description =
            "The output that has the scores: its name in an ONNX file, its name or place (from 0) in a TorchScript "
            + "tuple (default: by name and shape).",
        HelpName = "NAME",
    };
    private readonly Option<bool> _straightThrough = new("--straight-through")
    {
        Description = "Let gradients pass through rounding and clipping inside an ONNX file.",
    };
    private readonly Option<double?> _memory = Arguments.Optional<double>(
        "--model-memory",
        "The memory in GiB that an ONNX file may ask for on a few images (default: 1); what it may compute is bounded "
            + "alike."
    );
    private readonly Option<double?> _timeout = Arguments.Optional<double>(
        "--timeout",
        "The longest time in seconds for one pass of a model's file; a longer one ends the program (default: none, and "
            + "60 for the first try of a TorchScript file)."
    );

    private readonly bool _named;

    /// <summary>Makes the options.</summary>
    /// <param name="named">Whether <c>--model</c> is included; otherwise the verb names the model in its own
    /// way.</param>
    public ModelOptions(bool named = true)
    {
        _named = named;
        _layout.AcceptOnlyFromAmong("nchw", "nhwc");
        _channels.AcceptOnlyFromAmong("rgb", "bgr");
        _outputs.AcceptOnlyFromAmong("logits", "probabilities");
    }

    /// <summary>Adds the options to a verb.</summary>
    public void AddTo(Command command)
    {
        if (_named)
            command.Add(_model);
        foreach (
            Option option in (Option[])
                [
                    _http,
                    _size,
                    _mean,
                    _std,
                    _layout,
                    _channels,
                    _range,
                    _output,
                    _outputs,
                    _labels,
                    _background,
                    _straightThrough,
                    _memory,
                    _timeout,
                ]
        )
            command.Add(option);
    }

    /// <summary>Reads the options.</summary>
    /// <exception cref="UserErrorException">A value is not valid, or the file of labels cannot be read.</exception>
    public ModelRequest Read(ParseResult result) => Read(result, result.GetRequiredValue(_model));

    /// <summary>Reads the options for a model that is named in another way.</summary>
    /// <exception cref="UserErrorException">A value is not valid, or the file of labels cannot be read.</exception>
    public ModelRequest Read(ParseResult result, string model)
    {
        if (result.GetValue(_timeout) is { } seconds)
        {
            PassTimeout.Limit = TimeSpan.FromSeconds(Math.Min(seconds, LongestTimeout));
            TorchScriptProbe.Limit = PassTimeout.Limit.Value;
        }

        return new ModelRequest(model, Contract(result), result.Http(_http, model));
    }

    private InputContract Contract(ParseResult result)
    {
        ImageShape? size = result.GetValue(_size) is { } text ? Size(text) : null;
        double[]? deviations = Numbers(result, _std, "such as 0.229,0.224,0.225");
        if (deviations is not null && deviations.Any(value => value <= 0))
            throw new UserErrorException($"expected --std to be above 0, got \"{result.GetValue(_std)}\"");
        double[]? range = Numbers(result, _range, "such as 0,255");
        if (range is not null && (range.Length != 2 || range[0] >= range[1]))
            throw new UserErrorException(
                "expected --range to be two numbers, the smaller first, such as 0,255, got "
                    + $"\"{result.GetValue(_range)}\""
            );
        double[]? mean = Numbers(result, _mean, "such as 0.485,0.456,0.406");
        foreach (var (name, values) in new[] { ("--mean", mean), ("--std", deviations) })
        {
            if (values is not null && values.Length is not (1 or 3) && values.Length != size?.Channels)
                throw new UserErrorException(
                    $"expected {name} to be one number or one for each channel, got {values.Length}"
                );
        }

        return new InputContract
        {
            Size = size,
            Mean = mean,
            Std = deviations,
            Layout = result.GetValue(_layout) switch
            {
                "nhwc" => ImageLayout.Nhwc,
                "nchw" => ImageLayout.Nchw,
                _ => null,
            },
            Channels = result.GetValue(_channels) switch
            {
                "bgr" => ChannelOrder.Bgr,
                "rgb" => ChannelOrder.Rgb,
                _ => null,
            },
            Range = range is null ? null : (range[0], range[1]),
            Outputs = result.GetValue(_outputs) switch
            {
                "logits" => OutputKind.Logits,
                "probabilities" => OutputKind.Probabilities,
                _ => null,
            },
            ClassNames = result.GetValue(_labels) is { } file ? ClassNameFile.Read(file) : null,
            Background = result.GetValue(_background),
            Output = result.GetValue(_output),
            StraightThrough = result.GetValue(_straightThrough),
            Memory = result.GetValue(_memory),
        };
    }

    private static ImageShape Size(string text)
    {
        int[] sizes =
        [
            .. text.Split('x')
                .Select(part =>
                    int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int size)
                    && size is >= 1 and <= LargestSide
                        ? size
                        : 0
                ),
        ];
        return sizes switch
        {
            [> 0 and int side] => new ImageShape(3, side, side),
            [1 or 3, > 0, > 0] => new ImageShape(sizes[0], sizes[1], sizes[2]),
            _ => throw new UserErrorException(
                $"expected --input-size as CxHxW with 1 or 3 channels, such as 3x224x224, got \"{text}\""
            ),
        };
    }

    private static double[]? Numbers(ParseResult result, Option<string?> option, string example)
    {
        if (result.GetValue(option) is not { } text)
            return null;
        double[] values =
        [
            .. text.Split(',')
                .Select(part =>
                    double.TryParse(part, NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
                        ? value
                        : double.NaN
                ),
        ];
        return values.All(double.IsFinite)
            ? values
            : throw new UserErrorException(
                $"expected {option.Name} to be numbers separated by commas, {example}, got \"{text}\""
            );
    }
}
