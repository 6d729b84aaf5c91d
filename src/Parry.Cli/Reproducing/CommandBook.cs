using System.Text.RegularExpressions;

namespace Parry.Cli.Reproducing;

/// <summary>The file of commands: what each makes, for all values of its variables.</summary>
internal sealed record CommandFile
{
    /// <summary>The settings of each mode, which are variables too.</summary>
    public required IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> Modes { get; init; }

    /// <summary>The commands, in groups that share variables.</summary>
    public required IReadOnlyList<CommandGroup> Groups { get; init; }

    /// <summary>The settings that say how many images an evaluation has: those that are whole numbers.</summary>
    public static IReadOnlyList<string> Counts(IReadOnlyDictionary<string, string> settings) =>
        [
            .. settings
                .Where(setting => setting.Value is { Length: > 0 } text && text.All(char.IsAsciiDigit))
                .Select(setting => setting.Key),
        ];
}

/// <summary>Commands that share variables.</summary>
internal sealed record CommandGroup
{
    /// <summary>The values of each variable; every combination is a command.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> For { get; init; } =
        new Dictionary<string, IReadOnlyList<string>>();

    /// <summary>What is made, and the words after <c>parry</c> that make it, without <c>--out</c>.</summary>
    public required IReadOnlyDictionary<string, string> Make { get; init; }
}

/// <summary>The commands of one mode, by what they make: weights, images, runs of evaluations, JSON files.</summary>
internal sealed partial class CommandBook
{
    private readonly Dictionary<string, string> _commands = new(StringComparer.Ordinal);

    /// <summary>Expands the commands of a mode.</summary>
    /// <param name="file">The file of commands.</param>
    /// <param name="settings">The settings of the mode.</param>
    public CommandBook(CommandFile file, IReadOnlyDictionary<string, string> settings)
    {
        Settings = settings;
        foreach (CommandGroup group in file.Groups)
        {
            foreach (IReadOnlyDictionary<string, string> variables in Combinations(group.For))
            {
                foreach (var (target, words) in group.Make)
                    _commands[Fill(target, variables)] = Fill(words, variables, settings);
            }
        }
    }

    /// <summary>The settings of the mode.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; }

    /// <summary>The words after <c>parry</c> that make something, with where to.</summary>
    /// <exception cref="InvalidOperationException">Nothing makes it.</exception>
    public IReadOnlyList<string> WordsFor(string target)
    {
        string[] words = Words(target).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return IsCaptured(target) ? words : [.. words, "--out", target];
    }

    /// <summary>The command that makes something, as a user types it.</summary>
    public string Text(string target) =>
        IsCaptured(target) ? $"parry {Words(target)} > {target}" : $"parry {Words(target)} --out {target}";

    /// <summary>Whether a thing is what its command prints.</summary>
    public static bool IsCaptured(string target) => target.EndsWith(".json", StringComparison.Ordinal);

    /// <summary>All that must be made for some things, each after what it needs.</summary>
    /// <param name="targets">The things.</param>
    /// <param name="isMade">Tells what is there already, for which nothing is needed; null for nothing.</param>
    public IReadOnlyList<string> Needed(IEnumerable<string> targets, Func<string, bool>? isMade = null)
    {
        var ordered = new List<string>();
        foreach (string target in targets)
            Add(target, ordered, isMade ?? (_ => false));
        return ordered;
    }

    /// <summary>A text with its variables replaced.</summary>
    public static string Fill(string text, params IReadOnlyDictionary<string, string>[] variables)
    {
        foreach (var (name, value) in variables.SelectMany(some => some))
            text = text.Replace($"{{{name}}}", value, StringComparison.Ordinal);
        return text;
    }

    private void Add(string target, List<string> ordered, Func<string, bool> isMade)
    {
        if (ordered.Contains(target) || isMade(target))
            return;
        foreach (Match need in Made().Matches(Words(target)))
            Add(need.Value, ordered, isMade);
        ordered.Add(target);
    }

    private string Words(string target) =>
        _commands.GetValueOrDefault(target)
        ?? throw new InvalidOperationException($"No command of the experiments makes {target}.");

    private static IEnumerable<IReadOnlyDictionary<string, string>> Combinations(
        IReadOnlyDictionary<string, IReadOnlyList<string>> values
    )
    {
        IEnumerable<Dictionary<string, string>> all =
        [
            [],
        ];
        foreach (var (name, each) in values)
            all = all.SelectMany(some => each.Select(value => new Dictionary<string, string>(some) { [name] = value }));
        return all;
    }

    // What a command takes from another one is named with its folder.
    [GeneratedRegex(@"\b(weights|images)/[\w.-]+", RegexOptions.NonBacktracking)]
    private static partial Regex Made();
}
