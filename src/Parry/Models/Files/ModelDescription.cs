using System.Globalization;
using System.Text.Json;
using Parry.Models.Architectures;

namespace Parry.Models.Files;

/// <summary>The description in a weight file: what network the weights are for, and how they were made.</summary>
public sealed record ModelDescription
{
    private const string Normalization = "none: [0,1]";
    private const int LargestSide = 1 << 14;
    private const int MostMaps = 1 << 14;
    private const int LongestVector = 1 << 20;

    /// <summary>
    /// The architecture: one of <see cref="Classifiers.Names"/>, or the name that the class of another network
    /// declares.
    /// </summary>
    public required string Architecture { get; init; }

    /// <summary>The data set it was trained on.</summary>
    public required string Data { get; init; }

    /// <summary>The shape of the images it takes or generates.</summary>
    public required ImageShape Shape { get; init; }

    /// <summary>
    /// The names of a classifier's classes; the label is the index. For a conditional generator, the classes it
    /// generates; empty for other generators.
    /// </summary>
    public IReadOnlyList<string> ClassNames { get; init; } = [];

    /// <summary>How the classifier's training read dropout numbers; null for a generator.</summary>
    public DropoutReading? Dropout { get; init; }

    /// <summary>The loss of a classifier's training, if not the cross entropy.</summary>
    public string? Training { get; init; }

    /// <summary>A classifier's accuracy on the test images, in [0, 1], if it was measured.</summary>
    public double? TestAccuracy { get; init; }

    /// <summary>The length of a generator's latent vector.</summary>
    public int? Latent { get; init; }

    /// <summary>The channels of a generator's last hidden map.</summary>
    public int? Width { get; init; }

    /// <summary>
    /// Further settings needed to build or use the network, as <c>name=value,name=value</c>; null if there are none.
    /// </summary>
    public string? Settings { get; init; }

    /// <summary>The number of training steps of a generator.</summary>
    public int? Iterations { get; init; }

    /// <summary>The seed of the training.</summary>
    public long? Seed { get; init; }

    /// <summary>The command that reproduces the file.</summary>
    public string Command { get; init; } = "";

    /// <summary>The program that wrote the file.</summary>
    public string CreatedBy { get; init; } =
        $"Parry {typeof(ModelDescription).Assembly.GetName().Version!.ToString(3)}";

    /// <summary>One of the <see cref="Settings"/>; null if it is missing.</summary>
    public string? Setting(string name) =>
        (Settings ?? "")
            .Split(',')
            .Select(piece => piece.Split('=', 2))
            .FirstOrDefault(pair => pair.Length == 2 && pair[0] == name)
            ?[1];

    /// <summary>The width, which the architecture requires.</summary>
    /// <param name="least">The smallest valid value.</param>
    /// <exception cref="InvalidDataException">It is missing or out of range.</exception>
    internal int NeedWidth(int least = 1) => Need("width", Width, least, MostMaps);

    /// <summary>The length of the latent vector, which the architecture requires.</summary>
    /// <exception cref="InvalidDataException">It is missing or out of range.</exception>
    internal int NeedLatent() => Need("latent", Latent, 1, LongestVector);

    /// <summary>Returns one of the <see cref="Settings"/>, a positive whole number.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="most">The largest valid value.</param>
    /// <exception cref="InvalidDataException">It is missing or out of range.</exception>
    internal int NeedSetting(string name, int most)
    {
        bool isNumber = int.TryParse(Setting(name), NumberStyles.None, CultureInfo.InvariantCulture, out int value);
        return Need(name, isNumber ? value : null, 1, most);
    }

    internal Dictionary<string, string> ToMetadata()
    {
        var metadata = new Dictionary<string, string>();
        Add("architecture", Architecture);
        Add("data", Data);
        Add("input", Shape);
        Add("normalization", Normalization);
        Add("classes", ClassNames.Count == 0 ? null : JsonSerializer.Serialize(ClassNames));
        Add("dropout", Dropout?.ToString().ToLowerInvariant());
        Add("training", Training);
        Add("test-accuracy", TestAccuracy);
        Add("latent", Latent);
        Add("width", Width);
        Add("settings", Settings);
        Add("iterations", Iterations);
        Add("seed", Seed);
        Add("command", Command);
        Add("created-by", CreatedBy);
        return metadata;

        void Add(string key, object? value)
        {
            if (value is not null)
                metadata["parry." + key] = Convert.ToString(value, CultureInfo.InvariantCulture)!;
        }
    }

    /// <exception cref="InvalidDataException">Something is missing or out of range; the message says what.</exception>
    internal static ModelDescription FromMetadata(IReadOnlyDictionary<string, string> metadata)
    {
        if (Text("normalization") is { } normalization && normalization != Normalization)
            throw new InvalidDataException(
                $"Its images are normalized as \"{normalization}\"; only \"{Normalization}\" is supported."
            );
        try
        {
            return new ModelDescription
            {
                Architecture =
                    Text("architecture")
                    ?? throw new InvalidDataException(
                        $"It has no \"parry.architecture\", for example one of {string.Join(", ", Classifiers.Names)}."
                    ),
                Data = Text("data") ?? "",
                Shape = ParseShape(Text("input")),
                ClassNames = Array.ConvertAll(
                    JsonSerializer.Deserialize<string?[]>(Text("classes") ?? "[]") ?? [],
                    name => name ?? throw new FormatException()
                ),
                Dropout = Text("dropout") switch
                {
                    null => null,
                    "drop" => DropoutReading.Drop,
                    "keep" => DropoutReading.Keep,
                    _ => throw new FormatException(),
                },
                Training = Text("training"),
                TestAccuracy = Text("test-accuracy") is { } accuracy
                    ? double.Parse(accuracy, CultureInfo.InvariantCulture)
                    : null,
                Latent = Number("latent"),
                Width = Number("width"),
                Settings = Text("settings"),
                Iterations = Number("iterations"),
                Seed = Text("seed") is { } seed ? long.Parse(seed, CultureInfo.InvariantCulture) : null,
                Command = Text("command") ?? "",
                CreatedBy = Text("created-by") ?? "",
            };
        }
        catch (Exception e) when (e is FormatException or OverflowException or JsonException)
        {
            throw new InvalidDataException("Its description is damaged.", e);
        }

        string? Text(string key) => metadata.GetValueOrDefault("parry." + key);

        int? Number(string key) =>
            Text(key) is { } text ? int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture) : null;
    }

    private static int Need(string name, int? value, int least, int most) =>
        value >= least && value <= most
            ? value.Value
            : throw new InvalidDataException(
                $"Its \"{name}\" is \"{value}\"; expected a whole number from {least} to {most}."
            );

    private static ImageShape ParseShape(string? text)
    {
        int[] sizes =
        [
            .. (text ?? "")
                .Split('x')
                .Select(size =>
                    int.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out int value) ? value : 0
                ),
        ];
        return sizes.Length == 3 && sizes.All(size => size is >= 1 and <= LargestSide)
            ? new ImageShape(sizes[0], sizes[1], sizes[2])
            : throw new InvalidDataException($"Its \"parry.input\" is \"{text}\"; expected a shape such as 1x28x28.");
    }
}
