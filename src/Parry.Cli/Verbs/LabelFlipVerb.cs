using System.CommandLine;
using Parry.Attacks.Poisoning;
using Parry.Cli.Attacking;
using Parry.Data;
using Parry.Models.Architectures;
using Parry.Models.Training;
using Parry.Options;
using Spectre.Console;

namespace Parry.Cli.Verbs;

/// <summary><c>parry label-flip</c>: what changed labels in the training set do to a classifier.</summary>
internal sealed class LabelFlipVerb
{
    private const string Kinds = "random|targeted|worst-case";

    private static readonly OptionBinder<LabelFlip> s_binder = new();
    private readonly ClassifierTraining _recipe = new();
    private readonly DataOptions _data = new();
    private readonly Option<string> _net = Arguments.Net();
    private readonly Option<string[]> _kinds = new("--kind")
    {
        Description = "Which labels are changed. May be given several times.",
        HelpName = Kinds,
        DefaultValueFactory = _ => ["random"],
        AllowMultipleArgumentsPerToken = true,
    };
    private readonly Option<string> _shares = new("--share")
    {
        Description = "Largest shares of the labels that are changed, in [0, 1], such as 0.05,0.1.",
        HelpName = "SHARES",
        DefaultValueFactory = _ => "0.1",
    };
    private readonly Option<int> _from = Arguments.Number(
        "--from",
        "The class whose labels a targeted flip changes.",
        0,
        0
    );
    private readonly Option<int> _to = Arguments.Number(
        "--to",
        "The class that a targeted flip changes them to.",
        1,
        0
    );
    private readonly Option<int> _count = Arguments.Number(
        "--count",
        "How many training images to use, starting with the first.",
        5000,
        1
    );
    private readonly Option<int> _epochs;
    private readonly Option<long> _seed = Arguments.Seed();
    private readonly Option<bool> _json = Arguments.Json();

    private LabelFlipVerb() =>
        _epochs = Arguments.Number("--epochs", "Passes over the training images.", _recipe.Epochs, 1);

    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        var verb = new LabelFlipVerb();
        return new Command(
            "label-flip",
            "Change labels of training images, train a classifier on the true and on the changed ones, and compare."
        )
        {
            verb._data,
            verb._net,
            verb._kinds,
            verb._shares,
            verb._from,
            verb._to,
            verb._count,
            verb._epochs,
            verb._seed,
            verb._json,
        }.Does(verb.Run);
    }

    private int Run(ParseResult parsed, CancellationToken cancellation)
    {
        (string Kind, LabelFlip Flip)[] flips =
        [
            .. from kind in parsed.GetRequiredValue(_kinds)
            from share in parsed.GetRequiredValue(_shares).Split(',')
            select (kind, Flip(parsed, kind, share)),
        ];
        IImageSource set = _data.Open(parsed);
        ClassifierTraining recipe = _recipe with
        {
            Architecture = Classifiers.FullName(parsed.GetRequiredValue(_net)),
            Epochs = parsed.GetValue(_epochs),
            Seed = parsed.GetValue(_seed),
        };
        ImageSet training = _data.Load(parsed, set, DataPart.Train, parsed.GetValue(_count));
        ImageSet test = _data.Load(parsed, set, DataPart.Test);
        string[] notes = [.. new[] { training.Note, test.Note }.OfType<string>()];
        IReadOnlyList<LabelFlipRow> rows;
        using (ProgressLine line = ProgressLine.Of(parsed))
            rows = new LabelFlipRun(recipe, training, test, line).Run(flips, cancellation);
        Output output = Output.Of(parsed);
        if (parsed.GetValue(_json))
            output.Json(
                new LabelFlipReport(
                    set.Name,
                    recipe.Architecture,
                    training.Count,
                    recipe.Epochs,
                    recipe.Seed,
                    rows,
                    notes
                ),
                CliJson.Default.LabelFlipReport
            );
        else
            Show(output, TableOf(rows, training.Count), notes);
        return 0;
    }

    private LabelFlip Flip(ParseResult parsed, string kind, string share)
    {
        LabelFlip flip = s_binder.With(
            "the attack label-flip",
            new LabelFlip(),
            [new("kind", kind), new("share", share)]
        );
        return flip with { From = parsed.GetValue(_from), To = parsed.GetValue(_to) };
    }

    private static void Show(Output output, Table table, string[] notes)
    {
        output.Render(table);
        output.Notes(notes);
    }

    private static Table TableOf(IReadOnlyList<LabelFlipRow> rows, int count)
    {
        Table table = Output.Table(
            "kind",
            ">share",
            ">flipped labels",
            ">clean accuracy",
            ">poisoned accuracy",
            ">attacked class, clean",
            ">attacked class, poisoned"
        );
        foreach (LabelFlipRow row in rows)
            table.AddCells(
                row.From is null ? row.Kind : $"{row.Kind} {row.From} to {row.To}",
                $"{row.Share:0.####}",
                $"{row.Flipped}/{count}",
                Percent(row.CleanAccuracy),
                Percent(row.PoisonedAccuracy),
                Percent(row.CleanClassAccuracy),
                Percent(row.PoisonedClassAccuracy)
            );
        return table;
    }

    private static string Percent(double? share) => share is { } known ? $"{known * 100:0.0} %" : "";
}
