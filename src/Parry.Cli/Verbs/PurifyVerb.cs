using System.CommandLine;
using System.Globalization;
using Parry.Catalogs;
using Parry.Cli.Purifying;
using Parry.Data;
using Parry.Data.Files;
using Parry.Defenses;

namespace Parry.Cli.Verbs;

/// <summary><c>parry purify</c>: passes images through a defense and writes what it makes of them.</summary>
internal sealed class PurifyVerb
{
    private const string ContentFile = "purify.txt";
    private const int LongestContent = 200;
    private const long MostBytes = 1 << 20;

    private readonly DataOptions _data = new();
    private readonly Option<string> _defense = new("--defense")
    {
        Description = "A defense that changes images, as NAME or NAME:key=value,…, such as defense-gan:l=200,r=10.",
        HelpName = "DEFENSE",
        Required = true,
    };
    private readonly Option<string[]> _parts = new Option<string[]>("--part")
    {
        Description = "The parts to purify: train, validation, test; training images without the validation images.",
        HelpName = "PART",
        AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => ["test"],
    }.AcceptOnlyFromAmong("train", "validation", "test");
    private readonly Option<int?> _count = Arguments.Optional<int>(
        "--count",
        "The most images of each part, starting with the first; by default all."
    );
    private readonly Option<long> _seed = Arguments.Seed();
    private readonly Option<string> _folder = new("--out")
    {
        Description =
            "The folder for the pictures, which train classifier --data takes. The same command goes on where it was "
            + "stopped.",
        HelpName = "DIR",
        Required = true,
    };

    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        var verb = new PurifyVerb();
        return new Command(
            "purify",
            "Pass images through a defense and write them as a folder of class folders, for example to train a "
                + "classifier on them."
        )
        {
            verb._data,
            verb._defense,
            verb._parts,
            verb._count,
            verb._seed,
            verb._folder,
        }.Does(verb.Run);
    }

    private int Run(ParseResult parsed, CancellationToken cancellation)
    {
        string text = parsed.GetRequiredValue(_defense);
        string folder = parsed.GetRequiredValue(_folder);
        IImageSource set = _data.Open(parsed);
        using var context = new DefenseContext(set.Name, set.Shape, set.ClassNames.Count)
        {
            DataDir = _data.Folder(parsed),
            Source = set,
        };
        IPurifier purifier =
            DefenseCatalog.Parse(text, context).Purifier
            ?? throw new UserErrorException($"expected a defense that changes images, got \"{text}\": it changes none");
        DataPart[] parts = [.. parsed.GetRequiredValue(_parts).Distinct().Select(PartOf)];
        Begin(folder, $"{set.Name} through {text}, seed {parsed.GetValue(_seed)}");
        var run = new PurifyRun(purifier, folder, parsed.GetValue(_seed));
        using (ProgressLine line = ProgressLine.Of(parsed))
        {
            foreach (DataPart part in parts)
                run.Purify(part, _data.Load(parsed, set, part, parsed.GetValue(_count)), line, cancellation);
        }

        string earlier = run.TakenOver > 0 ? $", {run.TakenOver:N0} of them by an earlier run" : "";
        Output.Of(parsed).Line(Counted($"{folder}: {run.Written:N0} images purified{earlier}"));
        if (run.Written > run.TakenOver)
            Output.Of(parsed).Line(Counted($"mean squared change of a pixel: {run.MeanError:0.00000}"));
        return 0;
    }

    // A folder holds the images of one command, so that a classifier never learns a mixture.
    private static void Begin(string folder, string content)
    {
        Reports.ReportFolder.CheckWritable(folder);
        string file = Path.Combine(folder, ContentFile);
        string? earlier = File.Exists(file) ? RegularFile.ReadText(file, MostBytes).Trim() : null;
        if (earlier is null && Directory.EnumerateFileSystemEntries(folder).Any())
            throw new UserErrorException(
                $"expected '{folder}' to be empty or to hold what parry purify wrote, got other files: choose another "
                    + "folder"
            );
        if (earlier is not null && earlier != content)
            throw new UserErrorException(
                $"'{folder}' holds {PlainText.Cut(earlier, LongestContent)}, not {content}: choose another folder"
            );
        AtomicFile.WriteText(file, content + "\n");
    }

    private static DataPart PartOf(string name) => Enum.Parse<DataPart>(name, ignoreCase: true);

    private static string Counted(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
