using System.CommandLine;
using System.Globalization;
using System.Text;
using Parry.Cli.Reproducing;
using Parry.Cli.Reproducing.Figures;
using Parry.Data;
using Parry.Data.Files;
using Parry.Reports;
using Parry.Reports.Html;
using Spectre.Console;

namespace Parry.Cli.Verbs;

/// <summary><c>parry reproduce</c>: makes the tables of the source documents, beside their printed numbers.</summary>
internal sealed class ReproduceVerb
{
    private const string ResultsName = "results.json";
    private const string ModeName = "mode.txt";
    private const string ModeKey = "mode";
    private const long MostBytes = 1 << 20;

    private readonly Argument<string[]> _tables = new("TABLE")
    {
        Description = "The tables, as --list names them; or all.",
        Arity = ArgumentArity.ZeroOrMore,
    };
    private readonly Option<bool> _list = new("--list")
    {
        Description =
            "List the tables: what they need, an estimate of how long they take here, how many numbers have ours "
            + "beside.",
    };
    private readonly Option<bool> _full = new("--full")
    {
        Description = "The papers' own settings, which take days without a GPU.",
    };
    private readonly Option<bool> _fast = new("--fast") { Description = "Smaller settings (the default)." };
    private readonly Option<int?> _count = Arguments.Optional<int>(
        "--count",
        "The images of each evaluation, those with slow attackers included, in place of the mode's own numbers."
    );
    private readonly Option<bool> _commands = new("--commands")
    {
        Description = "Print the commands, in order, instead of running them.",
    };
    private readonly Option<bool> _collect = new("--collect")
    {
        Description = "Run nothing: make the pages of what is there.",
    };
    private readonly Option<string?> _folder = new("--out")
    {
        Description = "The folder for weights, runs and pages. The same command goes on where it was stopped.",
        HelpName = "DIR",
    };
    private readonly Option<string?> _document = new("--document")
    {
        Description = "Print all tables of a file of results as Markdown, as in docs/results.md.",
        HelpName = "FILE",
    };

    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        var verb = new ReproduceVerb();
        return new Command(
            "reproduce",
            "Make the tables of the papers that Parry implements: the printed number, ours, the adaptive attacker's "
                + "and the verdict."
        )
        {
            verb._tables,
            verb._list,
            verb._fast,
            verb._full,
            verb._count,
            verb._commands,
            verb._collect,
            verb._folder,
            verb._document,
        }.Does(verb.Run);
    }

    private int Run(ParseResult parsed, CancellationToken cancellation)
    {
        Output output = Output.Of(parsed);
        if (parsed.GetValue(_list))
        {
            List(output);
            return 0;
        }

        if (parsed.GetValue(_document) is { } document)
        {
            output.Document(ResultsDocument.Render(ResultsFile.Read(document)));
            return 0;
        }

        string[] names = parsed.GetValue(_tables) ?? [];
        if (names is ["all"])
            names = [.. Experiments.All.Keys];
        if (names.Length == 0)
            throw new UserErrorException("expected a table, or --list, or --document FILE");
        if (parsed.GetValue(_full) && parsed.GetValue(_fast))
            throw new UserErrorException("expected one of --fast and --full, got both");
        string mode = parsed.GetValue(_full) ? "full" : "fast";
        string described = $"the {mode} mode";
        CommandFile commands = Experiments.Commands();
        Dictionary<string, string> settings = new(commands.Modes[mode]);
        if (parsed.GetValue(_count) is { } count)
        {
            foreach (string name in CommandFile.Counts(settings))
                settings[name] = count.ToString(CultureInfo.InvariantCulture);
            described += string.Create(CultureInfo.InvariantCulture, $" with {count} images");
        }

        var book = new CommandBook(commands, settings);
        Experiment[] tables = [.. names.Select(Experiments.ByName)];
        if (parsed.GetValue(_commands))
        {
            foreach (string command in book.Needed(tables.SelectMany(table => Targets(table))).Select(book.Text))
                output.Line(command);
            return 0;
        }

        string folder = Path.GetFullPath(
            parsed.GetValue(_folder) ?? throw new UserErrorException("expected --out with a folder for the results")
        );
        Begin(folder, settings, mode);
        bool gpu = parsed.GetValue(ParryCommand.Device) != "cpu";
        IEnumerable<string> targets = tables.SelectMany(table => Targets(table, gpu));
        int code = parsed.GetValue(_collect) ? 0 : Make(parsed, folder, book, targets, cancellation);
        ResultsFile results = ResultsFile.Read(Path.Combine(folder, ResultsName));
        foreach (string name in names)
            Collect(output, results, name, folder, book, described);
        results.Write(Path.Combine(folder, ResultsName));
        return code;

        IEnumerable<string> Targets(Experiment table, bool gpu = true) => Experiments.Targets(table, settings, gpu);
    }

    // Numbers of different settings must not stand in one table. What is there was made without settings that are new.
    private static void Begin(string folder, Dictionary<string, string> settings, string mode)
    {
        ReportFolder.CheckWritable(folder);
        var now = new SortedDictionary<string, string>(settings, StringComparer.Ordinal) { [ModeKey] = mode };
        string file = Path.Combine(folder, ModeName);
        string[] before = File.Exists(file)
            ? RegularFile.ReadText(file, MostBytes).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            : [];
        if (
            before.Select(line => line.Split(": ", 2)).Any(line => now.GetValueOrDefault(line[0], line[^1]) != line[^1])
        )
            throw new UserErrorException(
                $"'{folder}' holds results with other settings, which {ModeName} in it lists: choose another folder"
            );
        AtomicFile.WriteText(file, string.Concat(now.Select(setting => $"{setting.Key}: {setting.Value}\n")));
    }

    private static int Make(
        ParseResult parsed,
        string folder,
        CommandBook book,
        IEnumerable<string> targets,
        CancellationToken cancellation
    )
    {
        var run = new ReproduceRun(folder, book, parsed.GetValue(ParryCommand.Device)!);
        IReadOnlyList<string> missing = book.Needed(targets, run.IsMade);
        using ProgressLine line = ProgressLine.Of(parsed);
        int worst = 0;
        for (int i = 0; i < missing.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            line.Say($"parry: {i + 1} of {missing.Count}: {book.Text(missing[i])}");
            int code = run.Make(missing[i], cancellation);
            if (code is Pausing.ExitCode)
                return code;
            cancellation.ThrowIfCancellationRequested();
            worst = Math.Max(worst, code == 0 ? 0 : 1);
        }

        return worst;
    }

    private static void Collect(
        Output output,
        ResultsFile results,
        string name,
        string folder,
        CommandBook book,
        string described
    )
    {
        Experiment table = Experiments.ByName(name);
        var made = new MadeResults(folder);
        var drawn = new FigureReader(made, book.Settings).Draw(table).ToList();
        results.Tables[name] = new TableResults
        {
            Settings = described,
            Version = typeof(Evaluation.Evaluator).Assembly.GetName().Version!.ToString(3),
            Numbers = new NumberReader(made, book.Settings).Read(table),
            Figures = [.. drawn.Select(one => one.Figure.File)],
        };
        string[] commands = [.. book.Needed(Experiments.Targets(table, book.Settings)).Select(book.Text)];
        ComparisonTable comparison = Comparison.Of(table, results.Tables[name], commands);
        comparison = comparison with
        {
            Figures = [.. comparison.Figures.Zip(drawn, (figure, one) => figure with { Drawing = one.Drawing })],
        };
        foreach (ComparisonFigure figure in comparison.Figures)
            AtomicFile.WriteText(Path.Combine(folder, figure.File), figure.Drawing);
        var text = new StringBuilder();
        ComparisonText.Append(text, comparison);
        AtomicFile.WriteText(Path.Combine(folder, $"{name}.md"), text.ToString());
        string page = Path.Combine(folder, $"{name}.html");
        AtomicFile.WriteText(page, ComparisonPage.Render(comparison));
        output.Line($"{name}: {comparison.Coverage}: {page}");
    }

    private static void List(Output output)
    {
        ResultsFile results = ResultsDocument.Shipped();
        double speed = ProcessorSpeed.RelativeToReference();
        Table list = Output.Table(["name", "table", "source", "needs", ">minutes", ">numbers"]);
        foreach (var (name, table) in Experiments.All)
        {
            int printed = NumberReader.Cells(table).Count();
            int measured = results.Tables.GetValueOrDefault(name)?.Measured ?? 0;
            list.AddCells(
                name,
                table.Title,
                table.Source,
                string.Join(", ", table.Needs.Select(Need)),
                (table.Minutes / speed).ToString("0", CultureInfo.InvariantCulture),
                printed > 0 ? string.Create(CultureInfo.InvariantCulture, $"{measured} of {printed}")
                    : table.Figures.Count > 0 ? "figure"
                    : "none printed"
            );
        }

        output.Render(list);
        output.Line(
            "minutes: an estimate for the fast mode on this machine; numbers: with ours beside them in docs/results.md"
        );
    }

    private static string Need(string data) =>
        DataSets.Find(data) is { } set && DataLocator.Where(set, DataPart.Train) is null
            ? $"{data} (missing: parry data fetch {data})"
            : data;
}
