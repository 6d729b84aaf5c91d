using System.Security.Cryptography;
using System.Text;
using Parry.Evaluation.Cells;

namespace Parry.Evaluation;

/// <summary>
/// The records of an evaluation in a folder: a file for each cell and range of images, named after what it holds and a
/// hash of everything that decides it. An evaluation that begins again takes over what is there. Files are written
/// aside and renamed, and nothing is locked, so several processes may share a folder, also over a network.
/// </summary>
public sealed class RecordFolder
{
    private const string PlanName = "content.json";

    /// <summary>The name of <see cref="PlanFile"/>.</summary>
    public const string PlanFileName = "plan.json";

    private const string TimesName = "times.json";
    private const string CellsName = "cells";
    private const string LearnedName = "learned";
    private const string Extension = ".jsonl";
    private const string Attack = "attack ";
    private const string Defense = "defense ";
    private const string Gradients = "gradients";
    private const int KeyLength = 12;
    private const int LongestName = 60;

    private readonly string _path;
    private readonly IReadOnlyDictionary<string, string> _plan;

    private readonly bool _fresh;

    private RecordFolder(string path, IReadOnlyDictionary<string, string> plan, bool fresh) =>
        (_path, _plan, _fresh) = (path, plan, fresh);

    /// <summary>Opens a folder for a plan; nothing is written or deleted before the evaluation begins.</summary>
    /// <param name="path">The folder, which is made if it is missing.</param>
    /// <param name="plan">All that decides the numbers of the plan, with names for messages; what belongs to one
    /// attack or one defense is named "attack NAME" or "defense NAME".</param>
    /// <param name="fresh">Whether to delete the records of an earlier run, instead of taking them over.</param>
    /// <exception cref="UserErrorException">The folder holds the records of another plan, or cannot be
    /// written.</exception>
    public static RecordFolder Open(string path, IReadOnlyDictionary<string, string> plan, bool fresh = false)
    {
        var known = fresh
            ? null
            : RecordFile.Read(Path.Combine(path, PlanName), RecordJsonContext.Default.IReadOnlyDictionaryStringString);
        if (known is { } held && Difference(held, plan) is { } difference)
            throw new UserErrorException(
                $"'{path}' holds the results of another plan: {difference}. Choose another folder, or add --fresh to "
                    + "delete them and start anew"
            );
        return new RecordFolder(path, plan, fresh);
    }

    /// <summary>Whether a folder holds records.</summary>
    public static bool IsOne(string path) => File.Exists(Path.Combine(path, PlanName));

    /// <summary>Deletes the records in a folder, and nothing else.</summary>
    public static void Delete(string path)
    {
        string cells = Path.Combine(path, CellsName);
        string[] folders = Directory.Exists(cells) ? Directory.GetDirectories(cells) : [];
        foreach (string folder in folders)
        {
            foreach (string file in Directory.GetFiles(folder, $"*{Extension}"))
                File.Delete(file);
            DeleteIfEmpty(folder);
        }

        string learned = Path.Combine(path, LearnedName);
        if (Directory.Exists(learned))
            Array.ForEach(Directory.GetFiles(learned, $"*{LearnedFile.Extension}"), File.Delete);
        DeleteIfEmpty(learned);
        File.Delete(Path.Combine(path, TimesName));
        File.Delete(Path.Combine(path, PlanName));
        DeleteIfEmpty(cells);
    }

    /// <summary>The plan as a file that can be run again, written beside the records; null for none.</summary>
    public string? PlanFile { get; set; }

    /// <summary>Writes down which plan the records belong to.</summary>
    internal void Begin()
    {
        if (_fresh)
            Delete(_path);
        if (PlanFile is not null)
            AtomicFile.WriteText(Path.Combine(_path, PlanFileName), $"{PlanFile}\n");
        RecordFile.Write(
            Path.Combine(_path, PlanName),
            _plan,
            RecordJsonContext.Default.IReadOnlyDictionaryStringString
        );
    }

    /// <summary>
    /// Files of records that belong to no part of a plan, by their places in the folder. Checks of gradients are left
    /// out: a plan that was extended has old ones.
    /// </summary>
    internal IReadOnlyList<string> Foreign(IEnumerable<CellName> cells, IReadOnlyList<ImageRange> ranges)
    {
        string folder = Path.Combine(_path, CellsName);
        if (!Directory.Exists(folder))
            return [];
        HashSet<string> own =
        [
            .. cells.SelectMany(cell => ranges.Select(range => Path.GetFullPath(FileOf(cell, range.First)))),
        ];
        return
        [
            .. Directory
                .EnumerateFiles(folder, $"*{Extension}", SearchOption.AllDirectories)
                .Where(file => !own.Contains(Path.GetFullPath(file)))
                .Select(file => Path.GetRelativePath(folder, file))
                .Where(file => !file.StartsWith(Gradients, StringComparison.Ordinal))
                .Order(StringComparer.Ordinal),
        ];
    }

    internal CellPart? ReadPart(CellName cell, ImageRange range) =>
        RecordFile.Read(
            FileOf(cell, range.First),
            RecordJsonContext.Default.CellPart,
            RecordJsonContext.Default.SampleRecord
        )
            is var (part, samples)
            ? part with
            {
                Samples = samples,
            }
            : null;

    internal void Write(CellName cell, CellPart part) =>
        Written(() =>
            RecordFile.Write(
                FileOf(cell, part.First),
                part,
                RecordJsonContext.Default.CellPart,
                part.Samples,
                RecordJsonContext.Default.SampleRecord
            )
        );

    internal GradientCheck? ReadCheck(string defense, ImageRange range) =>
        RecordFile.Read(FileOfCheck(defense, range.First), RecordJsonContext.Default.GradientCheck);

    internal void Write(string defense, GradientCheck check) =>
        Written(() =>
            RecordFile.Write(FileOfCheck(defense, check.First), check, RecordJsonContext.Default.GradientCheck)
        );

    internal IReadOnlyDictionary<string, double>? ReadTimes() =>
        RecordFile.Read(Path.Combine(_path, TimesName), RecordJsonContext.Default.IReadOnlyDictionaryStringDouble);

    internal void Write(IReadOnlyDictionary<string, double> times) =>
        Written(() =>
            RecordFile.Write(
                Path.Combine(_path, TimesName),
                times,
                RecordJsonContext.Default.IReadOnlyDictionaryStringDouble
            )
        );

    // A plan may be extended by attacks and defenses: what is there stays true.
    private static string? Difference(
        IReadOnlyDictionary<string, string> held,
        IReadOnlyDictionary<string, string> asked
    )
    {
        foreach (var (name, value) in held)
        {
            if (!asked.TryGetValue(name, out string? now))
                return $"it has {name} ({value}), which is not asked for now";
            if (now != value)
                return $"{name} was {value}, now {now}";
        }

        string[] added =
        [
            .. asked.Keys.Where(name =>
                !held.ContainsKey(name)
                && !name.StartsWith(Attack, StringComparison.Ordinal)
                && !name.StartsWith(Defense, StringComparison.Ordinal)
            ),
        ];
        return added.Length == 0 ? null : $"{added[0]} is now {asked[added[0]]}";
    }

    // A failure to write is no failure of an attack.
    internal static void Written(Action write)
    {
        try
        {
            write();
        }
        catch (UserErrorException e)
        {
            throw new IOException(e.Message, e);
        }
    }

    /// <summary>The file with what the attack of a cell has learned.</summary>
    internal string FileOfLearned(CellName cell) =>
        Path.Combine(_path, LearnedName, NameOf(cell) + LearnedFile.Extension);

    private string FileOf(CellName cell, int first) => FileOf(NameOf(cell), first);

    private string NameOf(CellName cell)
    {
        bool isOfPlan = cell.Attack == EvaluationRow.Nothing || _plan.ContainsKey(Attack + cell.Attack);
        return NameOf(
            cell.ToString(),
            name => isOfPlan ? name == Attack + cell.Attack : IsAttack(name),
            cell.Defense,
            $"{cell.Attack} {cell.Threat}"
        );
    }

    // What is searched depends on what all attacks left.
    private string FileOfCheck(string defense, int first)
    {
        string on = defense == EvaluationRow.Nothing ? "" : $" on {defense}";
        return FileOf(NameOf($"{Gradients}{on}", IsAttack, defense, Gradients), first);
    }

    private string FileOf(string name, int first) => Path.Combine(_path, CellsName, name, $"{first:000000}{Extension}");

    // Readable, and with a hash of all that decides the numbers.
    private string NameOf(string title, Func<string, bool> attacks, string defense, string what)
    {
        IEnumerable<string> deciding = _plan
            .Where(part =>
                IsAttack(part.Key) ? attacks(part.Key)
                : part.Key.StartsWith(Defense, StringComparison.Ordinal) ? part.Key == Defense + defense
                : true
            )
            .OrderBy(part => part.Key, StringComparer.Ordinal)
            .Select(part => $"{part.Key}={part.Value}");
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{string.Join('\n', deciding)}\n{what}"));
        string key = Convert.ToHexStringLower(hash)[..KeyLength];
        return $"{Readable(title)}-{key}";
    }

    private static void DeleteIfEmpty(string folder)
    {
        if (!Directory.Exists(folder))
            return;
        AtomicFile.Sweep(folder);
        if (!Directory.EnumerateFileSystemEntries(folder).Any())
            Directory.Delete(folder);
    }

    private static bool IsAttack(string name) => name.StartsWith(Attack, StringComparison.Ordinal);

    private static string Readable(string title)
    {
        IEnumerable<char> plain = title.Select(letter =>
            char.IsAsciiLetterOrDigit(letter) || letter == '.' ? letter : '-'
        );
        string name = string.Join('-', new string([.. plain]).Split('-', StringSplitOptions.RemoveEmptyEntries));
        return name[..Math.Min(LongestName, name.Length)];
    }
}
