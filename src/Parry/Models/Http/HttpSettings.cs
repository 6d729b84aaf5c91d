using System.Globalization;

namespace Parry.Models.Http;

/// <summary>How a model behind an address is asked.</summary>
public sealed record HttpSettings
{
    private static readonly (string Name, string Values, Func<HttpSettings, string, HttpSettings?> Set)[] s_keys =
    [
        (
            "batch",
            "a whole number from 1 on",
            (settings, text) => Whole(text, 1) is { } value ? settings with { Batch = (int)value } : null
        ),
        (
            "concurrency",
            "a whole number from 1 on",
            (settings, text) => Whole(text, 1) is { } value ? settings with { Concurrency = (int)value } : null
        ),
        (
            "timeout",
            "seconds above 0",
            (settings, text) =>
                Seconds(text) is > 0 and { } value ? settings with { Timeout = TimeSpan.FromSeconds(value) } : null
        ),
        (
            "retries",
            "a whole number from 0 on",
            (settings, text) => Whole(text, 0) is { } value ? settings with { Retries = (int)value } : null
        ),
        (
            "backoff",
            "seconds from 0 on",
            (settings, text) =>
                Seconds(text) is { } value ? settings with { Backoff = TimeSpan.FromSeconds(value) } : null
        ),
        (
            "budget",
            "a whole number from 1 on",
            (settings, text) => Whole(text, 1, long.MaxValue) is { } value ? settings with { Budget = value } : null
        ),
        ("cache", "a folder", (settings, text) => settings with { Cache = text }),
        (
            "token-env",
            "the name of an environment variable",
            (settings, text) => settings with { TokenVariable = text }
        ),
        (
            "answers",
            "scores or labels",
            (settings, text) => text is "scores" or "labels" ? settings with { OnlyLabels = text == "labels" } : null
        ),
        ("output", "the name of an output", (settings, text) => settings with { Output = text }),
        ("template", "a file", (settings, text) => settings with { Template = RequestTemplate.Load(text) }),
    ];

    private readonly bool _onlyLabels;

    /// <summary>The most images in a request.</summary>
    public int Batch { get; init; } = 32;

    /// <summary>The most requests at a time.</summary>
    public int Concurrency { get; init; } = 4;

    /// <summary>How long an answer may take.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often a request is repeated that was not answered, or not with what was asked for.</summary>
    public int Retries { get; init; } = 4;

    /// <summary>
    /// The pause before the first repetition; it doubles from one to the next. A server that names a longer one in
    /// Retry-After gets it, up to a minute.
    /// </summary>
    public TimeSpan Backoff { get; init; } = TimeSpan.FromSeconds(0.5);

    /// <summary>The most images that may be sent in all, those of repeated requests again; null for no limit.</summary>
    public long? Budget { get; init; }

    /// <summary>
    /// The folder that keeps all answers, so that no image is sent twice in this run or a later one; null for none.
    /// </summary>
    public string? Cache { get; init; }

    /// <summary>The environment variable with the bearer token; null for none.</summary>
    public string? TokenVariable { get; init; }

    /// <summary>The output that is read, where a model has several; null for the first.</summary>
    public string? Output { get; init; }

    /// <summary>How requests look; null for the Open Inference Protocol.</summary>
    public RequestTemplate? Template { get; init; }

    /// <summary>
    /// Whether only labels are read, be it that the model shows no more or that an attacker is to see no more.
    /// </summary>
    public bool OnlyLabels
    {
        get => _onlyLabels || Template is { Scores: null };
        init => _onlyLabels = value;
    }

    /// <summary>What <see cref="Parse"/> takes.</summary>
    public static string Keys { get; } = string.Join(", ", s_keys.Select(key => key.Name));

    /// <summary>
    /// Reads <c>key=value,key=value</c>, as <c>batch=32,timeout=10,cache=answers</c>, and the template that it names.
    /// </summary>
    /// <exception cref="UserErrorException">A key, its value or the template is not valid; the message says what
    /// is.</exception>
    public static HttpSettings Parse(string text)
    {
        var settings = new HttpSettings();
        var given = new HashSet<string>();
        foreach (string piece in text.Split(','))
        {
            string[] pair = piece.Split('=', 2, StringSplitOptions.TrimEntries);
            var key = Array.Find(s_keys, key => key.Name == pair[0]);
            if (key.Name is null)
                throw new UserErrorException($"--http has no key \"{pair[0]}\"; its keys: {Keys}");
            if (pair is not [_, { Length: > 0 } value])
                throw new UserErrorException(
                    $"expected --http to be key=value,key=value, got \"{text}\": {key.Name} has no value"
                );
            if (!given.Add(key.Name))
                throw new UserErrorException($"the key {key.Name} of --http is given twice; give its value once");
            settings =
                key.Set(settings, value)
                ?? throw new UserErrorException($"--http takes for {key.Name} {key.Values}, got \"{value}\"");
        }

        return settings;
    }

    private static long? Whole(string text, long least, long most = 1_000_000) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long value)
        && value >= least
        && value <= most
            ? value
            : null;

    private static double? Seconds(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
        && value is >= 0 and <= 86_400
            ? value
            : null;
}
