using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics;
using Parry.Attacks;
using Parry.Models;
using Parry.Models.Architectures;
using Parry.Models.Http;
using Parry.Options;

namespace Parry.Cli;

/// <summary>The options that verbs share, and how their values are checked.</summary>
internal static class Arguments
{
    /// <summary>Sets what the verb does. It returns the exit code or throws.</summary>
    public static Command Does(this Command command, Func<ParseResult, CancellationToken, int> work)
    {
        command.SetAction((result, cancellation) => Task.FromResult(work(result, cancellation)));
        return command;
    }

    /// <summary>Adds the options that name images, in their place among the others.</summary>
    public static void Add(this Command command, DataOptions data) => data.AddTo(command);

    /// <summary>Adds the options that name a model, in their place among the others.</summary>
    public static void Add(this Command command, ModelOptions model) => model.AddTo(command);

    /// <summary><c>--json</c>.</summary>
    public static Option<bool> Json() =>
        new("--json") { Description = "Write one JSON document to standard output and nothing else." };

    /// <summary><c>--data-dir</c>.</summary>
    public static Option<string?> DataDir() =>
        new("--data-dir") { Description = "The folder in which to look for the data set first.", HelpName = "DIR" };

    /// <summary><c>--model</c>.</summary>
    public static Option<string> Model() =>
        new("--model")
        {
            Description =
                $"A model file ({ModelCatalog.FileKinds}), or the name of a model that ships, such as fashion-mnist/a.",
            HelpName = "MODEL",
            Required = true,
        };

    /// <summary><c>--http</c>.</summary>
    public static Option<string?> Http() =>
        new("--http")
        {
            Description =
                "Settings for a --model served over HTTP (an http:// or https:// URL), as key=value,key=value; keys: "
                + $"{HttpSettings.Keys}.",
            HelpName = "SETTINGS",
        };

    /// <summary>
    /// The settings for a model served over HTTP, as given or by default; null for other models.
    /// </summary>
    /// <exception cref="UserErrorException">The settings are not valid, or the model is not served over
    /// HTTP.</exception>
    public static HttpSettings? Http(this ParseResult result, Option<string?> option, string model) =>
        (result.GetValue(option), HttpModel.IsAddress(model)) switch
        {
            ({ } text, true) => HttpSettings.Parse(text) with { Waiting = ProgressLine.Of(result).Say },
            (null, true) => new HttpSettings { Waiting = ProgressLine.Of(result).Say },
            ({ }, false) => throw new UserErrorException(
                $"--http is for a model at an http:// or https:// URL, got --model {model}: leave out one of the two"
            ),
            _ => null,
        };

    /// <summary><c>--net</c>, an architecture.</summary>
    public static Option<string> Net() =>
        new("--net")
        {
            Description = $"The architecture: {string.Join(", ", Classifiers.Names)}; a to f for short.",
            HelpName = "NET",
            Required = true,
        };

    /// <summary><c>--out</c>, a file.</summary>
    public static Option<string> OutFile(string description) =>
        new("--out")
        {
            Description = description,
            HelpName = "FILE",
            Required = true,
        };

    /// <summary><c>--overwrite</c>.</summary>
    public static Option<bool> Overwrite() =>
        new("--overwrite")
        {
            Description = "Delete what an earlier run of Parry wrote into the folder of --out, and only that.",
        };

    /// <summary><c>--fresh</c>.</summary>
    public static Option<bool> Fresh() =>
        new("--fresh", "--overwrite")
        {
            Description =
                "Delete what an earlier run wrote into the folder of --out, and only that; without it, a run of the "
                + "same plan goes on where that one ended.",
        };

    /// <summary><c>--seed</c>.</summary>
    public static Option<long> Seed() => Number("--seed", "The seed of every random draw.", 1L, 0L);

    /// <summary><c>--count</c>, a number of images.</summary>
    public static Option<int> Count(int value) =>
        Number("--count", "How many images to use, starting with the first.", value, 1);

    /// <summary>Whether an option was left out, so that its default applies.</summary>
    public static bool IsDefault(this ParseResult result, Option option) =>
        result.GetResult(option) is null or { Implicit: true };

    /// <summary><c>--max-queries</c>.</summary>
    public static Option<long?> MaxQueries() =>
        Optional<long>(
            "--max-queries",
            "Maximum number of forward passes for each image and budget; the best image found by then counts."
        );

    /// <summary><c>--max-gradients</c>.</summary>
    public static Option<long?> MaxGradients() =>
        Optional<long>("--max-gradients", "Maximum number of backward passes for each image and budget.");

    /// <summary>The given limits; null if none was given.</summary>
    public static AttackLimits? Limits(this ParseResult result, Option<long?> queries, Option<long?> gradients) =>
        (result.GetValue(queries), result.GetValue(gradients)) is var (most, steep) && (most ?? steep) is null
            ? null
            : new AttackLimits(most, steep);

    /// <summary><c>--random-rule</c>.</summary>
    public static Option<string> DrawRule() =>
        new("--random-rule")
        {
            Description =
                "How random defenses are judged: mean (one draw for each image), worst:N (right in all of N draws) or "
                + "majority:N (the most frequent answer of N draws).",
            HelpName = "RULE",
            DefaultValueFactory = _ => "mean",
        };

    /// <summary>Reads a budget such as 0.3 or 8/255.</summary>
    /// <exception cref="UserErrorException">It is not a number above 0.</exception>
    public static double Budget(string option, string text) =>
        Numbers.TryParse(text, out double budget) && budget > 0
            ? budget
            : throw new UserErrorException($"expected {option} to be a number above 0, such as 8/255, got \"{text}\"");

    /// <summary><c>--resume</c>.</summary>
    public static Option<bool> Resume() =>
        new("--resume") { Description = "Resume from the checkpoint beside the output file, if there is one." };

    /// <summary>A number with a default value and a minimum.</summary>
    public static Option<T> Number<T>(string name, string description, T value, T minimum)
        where T : struct, INumber<T> =>
        new(name)
        {
            Description = description,
            HelpName = "N",
            DefaultValueFactory = _ => value,
            CustomParser = result => Parse(result, name, minimum, exclusive: false),
        };

    /// <summary>An optional number above 0, or of at least 0.</summary>
    public static Option<T?> Optional<T>(string name, string description, bool orZero = false)
        where T : struct, INumber<T> =>
        new(name)
        {
            Description = description,
            HelpName = "N",
            CustomParser = result => Parse(result, name, T.Zero, exclusive: !orZero),
        };

    /// <summary>A number above 0 with a default value.</summary>
    public static Option<T> Positive<T>(string name, string description, T value)
        where T : struct, INumber<T> =>
        new(name)
        {
            Description = description,
            HelpName = "N",
            DefaultValueFactory = _ => value,
            CustomParser = result => Parse(result, name, T.Zero, exclusive: true),
        };

    /// <summary>An option that accepts one of the given words; the first is the default.</summary>
    public static Option<string> Choice(string name, string description, params string[] words)
    {
        var option = new Option<string>(name) { Description = description, DefaultValueFactory = _ => words[0] };
        return option.AcceptOnlyFromAmong(words);
    }

    /// <summary>
    /// The command line as typed, without <c>--resume</c>: the command that reproduces the result.
    /// </summary>
    public static string CommandText(this ParseResult result) =>
        string.Join(
            ' ',
            result.Tokens.Select(token => token.Value).Where(word => word != "--resume").Prepend("parry").Select(Quote)
        );

    private static T Parse<T>(ArgumentResult result, string name, T minimum, bool exclusive)
        where T : struct, INumber<T>
    {
        string text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
        if (
            T.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out T value)
            && T.IsFinite(value)
            && (exclusive ? value > minimum : value >= minimum)
        )
            return value;
        string kind = T.IsInteger(T.One / (T.One + T.One)) ? "a whole number" : "a number";
        result.AddError(
            $"expected {name} to be {kind} {(exclusive ? "above" : "of at least")} {minimum}, got \"{text}\""
        );
        return default;
    }

    /// <summary>A word as a shell reads it.</summary>
    public static string Quote(string word) =>
        word.Length > 0
        && word.All(c => char.IsAsciiLetterOrDigit(c) || "-_./:=,+@%".Contains(c, StringComparison.Ordinal))
            ? word
            : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    /// <summary>Joins names in prose: "a, b or c".</summary>
    public static string OneOf(IEnumerable<string> names)
    {
        string[] all = [.. names];
        return all.Length < 2 ? string.Concat(all) : $"{string.Join(", ", all[..^1])} or {all[^1]}";
    }
}
