using Parry.Options;

namespace Parry.Models.Http;

/// <summary>How a model served over HTTP is asked.</summary>
public sealed record HttpSettings
{
    private static readonly OptionBinder<HttpSettings> s_binder = new(
        new Dictionary<Type, OptionConverter>
        {
            [typeof(RequestTemplate)] = new("a file", RequestTemplate.Load, template => template.ToString()!),
        }
    );

    /// <summary>The largest number of images in a request.</summary>
    [Option("batch", "most images in a request", Min = 1)]
    public int Batch { get; init; } = 32;

    /// <summary>The largest number of requests at a time.</summary>
    [Option("concurrency", "most requests at a time", Min = 1)]
    public int Concurrency { get; init; } = 4;

    /// <summary>The longest time that an answer may take.</summary>
    [Option("timeout", "how long an answer may take", Min = 0.001)]
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often a request is repeated that got no answer or an unusable one.</summary>
    [Option("retries", "how often a request is repeated")]
    public int Retries { get; init; } = 4;

    /// <summary>
    /// The pause before the first repetition; it doubles with each repetition, up to a minute.
    /// </summary>
    [Option("backoff", "the pause before the first repetition")]
    public TimeSpan Backoff { get; init; } = TimeSpan.FromSeconds(0.5);

    /// <summary>
    /// The longest pause that the server may ask for with Retry-After; a longer one ends the run at once.
    /// </summary>
    [Option("patience", "the longest pause that the server may ask for")]
    public TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// The most images that may be sent in total, including those of repeated requests; null for no limit.
    /// </summary>
    [Option("budget", "most images that may be sent in all", Min = 1)]
    public long? Budget { get; init; }

    /// <summary>
    /// The folder of the cache of answers, so that no image is sent twice in this run or a later one; null for no
    /// cache.
    /// </summary>
    [Option("cache", "where answers are kept", Values = "a folder")]
    public string? Cache { get; init; }

    /// <summary>The environment variable with the bearer token; null for none.</summary>
    [Option("token-env", "the bearer token", Values = "the name of an environment variable")]
    public string? TokenVariable { get; init; }

    /// <summary>
    /// A file of certificates in PEM that are trusted in place of the system's; null for the system's, which the
    /// environment variable SSL_CERT_FILE names on Linux.
    /// </summary>
    [Option("ca", "whom to trust over https", Values = "a file of certificates in PEM")]
    public string? Authorities { get; init; }

    /// <summary>What is read from the answers.</summary>
    [Option("answers", "what is read of the answers")]
    public HttpAnswers Answers { get; init; }

    /// <summary>The output to read if a model has several; null for its only one, or the only one that can
    /// be scores of the classes.</summary>
    [Option("output", "the output that is read", Values = "the name of an output")]
    public string? Output { get; init; }

    /// <summary>The form of requests and answers; null for the Open Inference Protocol.</summary>
    [Option("template", "how requests look")]
    public RequestTemplate? Template { get; init; }

    /// <summary>
    /// Whether only labels are read, because the model gives no more or because the attacker should see no more.
    /// </summary>
    public bool OnlyLabels => Answers == HttpAnswers.Labels || Template is { Scores: null };

    /// <summary>
    /// Takes a line where the server makes requests wait with Retry-After, twice a minute at most; null to wait in
    /// silence.
    /// </summary>
    public Action<string>? Waiting { get; init; }

    /// <summary>The keys that <see cref="Parse"/> accepts.</summary>
    public static string Keys => string.Join(", ", s_binder.OptionsOf(new()).Select(option => option.Name));

    /// <summary>
    /// Reads <c>key=value,key=value</c>, such as <c>batch=32,timeout=10,cache=answers</c>, and the template file it
    /// names.
    /// </summary>
    /// <exception cref="UserErrorException">A key, its value or the template is not valid; the message lists what
    /// is.</exception>
    public static HttpSettings Parse(string text) =>
        s_binder.With("--http", new(), OptionText.Single("--http", OptionText.ParseSettings("--http", text)));
}

/// <summary>What is read from a served model's answers.</summary>
public enum HttpAnswers
{
    /// <summary>The scores of all classes.</summary>
    Scores,

    /// <summary>Only the label.</summary>
    Labels,
}
