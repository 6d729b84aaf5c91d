using System.CommandLine;
using System.Globalization;
using Parry.Attacks.Poisoning;
using Parry.Data;
using Parry.Models;
using Parry.Models.Architectures;
using Parry.Options;
using Spectre.Console;

namespace Parry.Cli.Verbs;

/// <summary><c>parry label-flip</c>: what changed labels in the training set do to a classifier.</summary>
internal static class LabelFlipVerb
{
    private static readonly OptionBinder<LabelFlip> s_binder = new();

    private const string Kinds = "random|targeted|worst-case";

    /// <summary>What <c>--json</c> writes.</summary>
    internal sealed record LabelFlipReport(
        string Data,
        string Net,
        int Count,
        int Epochs,
        long Seed,
        IReadOnlyList<LabelFlipRow> Rows
    );

    /// <summary>
    /// One kind of flip at one share. From, To and the accuracies on the class From are null unless the flip is
    /// targeted.
    /// </summary>
    internal sealed record LabelFlipRow(
        string Kind,
        double Share,
        int? From,
        int? To,
        int Flipped,
        double CleanAccuracy,
        double PoisonedAccuracy,
        double? CleanClassAccuracy,
        double? PoisonedClassAccuracy
    );

    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        var recipe = new Models.Training();
        var data = new DataOptions();
        Option<string> net = Arguments.Net();
        var kinds = new Option<string[]>("--kind")
        {
            Description = "Which labels are changed. May be given several times.",
            HelpName = Kinds,
            DefaultValueFactory = _ => ["random"],
            AllowMultipleArgumentsPerToken = true,
        };
        var shares = new Option<string>("--share")
        {
            Description = "Largest shares of the labels that are changed, from 0 to 1, as 0.05,0.1.",
            HelpName = "SHARES",
            DefaultValueFactory = _ => "0.1",
        };
        Option<int> fromClass = Arguments.Number("--from", "The class whose labels a targeted flip changes.", 0, 0);
        Option<int> toClass = Arguments.Number("--to", "The class that a targeted flip changes them to.", 1, 0);
        Option<int> count = Arguments.Number("--count", "How many training images, from the first on.", 5000, 1);
        Option<int> epochs = Arguments.Number("--epochs", "Passes over the training images.", recipe.Epochs, 1);
        Option<long> seed = Arguments.Seed();
        Option<bool> json = Arguments.Json();
        return new Command(
            "label-flip",
            "Change labels of training images, train a classifier on the true and on the changed ones, and compare."
        )
        {
            data,
            net,
            kinds,
            shares,
            fromClass,
            toClass,
            count,
            epochs,
            seed,
            json,
        }.Does(
            (parsed, cancellation) =>
            {
                (string Kind, LabelFlip Flip)[] flips =
                [
                    .. from kind in parsed.GetRequiredValue(kinds)
                    from share in parsed.GetRequiredValue(shares).Split(',')
                    select (
                        kind,
                        s_binder.With(
                            "the attack label-flip",
                            new LabelFlip(),
                            [new("kind", kind), new("share", share)]
                        ) with
                        {
                            From = parsed.GetValue(fromClass),
                            To = parsed.GetValue(toClass),
                        }
                    ),
                ];
                IImageSource set = data.Open(parsed);
                var options = recipe with
                {
                    Architecture = Classifiers.FullName(parsed.GetRequiredValue(net)),
                    Epochs = parsed.GetValue(epochs),
                    Seed = parsed.GetValue(seed),
                };
                ImageSet training = set.Load(
                    DataPart.Train,
                    Split.DefenseGan,
                    data.Folder(parsed),
                    parsed.GetValue(count)
                );
                ImageSet test = set.Load(DataPart.Test, Split.DefenseGan, data.Folder(parsed));

                // Classes that the set lacks are refused before any training.
                foreach (var (_, flip) in flips)
                    flip.Poison(training.Take(1), options.Seed);

                var rows = new List<LabelFlipRow>();
                using (ProgressLine line = ProgressLine.Of(parsed))
                {
                    ClassifierTrainer Trained(ImageSet images, int number) =>
                        Train(options, images, $"training {number} of {flips.Length + 1}", line, cancellation);

                    using ClassifierTrainer clean = Trained(training, 1);
                    double cleanAccuracy = Accuracy.Of(clean.Classifier, test, cancellation);
                    foreach (var (kind, flip) in flips)
                    {
                        ImageSet poisoned = flip.Poison(training, options.Seed);
                        int flipped = Enumerable
                            .Range(0, training.Count)
                            .Count(i => training.Labels[i] != poisoned.Labels[i]);
                        using ClassifierTrainer victim = Trained(poisoned, rows.Count + 2);
                        ImageSet? attacked = flip.Kind == FlipKind.Targeted ? OfClass(test, flip.From) : null;
                        double? On(ClassifierTrainer trainer) =>
                            attacked is { Count: > 0 } ? Accuracy.Of(trainer.Classifier, attacked, cancellation) : null;
                        rows.Add(
                            new LabelFlipRow(
                                kind,
                                flip.Share,
                                attacked is null ? null : flip.From,
                                attacked is null ? null : flip.To,
                                flipped,
                                cleanAccuracy,
                                Accuracy.Of(victim.Classifier, test, cancellation),
                                On(clean),
                                On(victim)
                            )
                        );
                    }
                }

                Output shown = Output.Of(parsed);
                if (parsed.GetValue(json))
                    shown.Json(
                        new LabelFlipReport(
                            set.Name,
                            options.Architecture,
                            training.Count,
                            options.Epochs,
                            options.Seed,
                            rows
                        ),
                        CliJson.Default.LabelFlipReport
                    );
                else
                    shown.Render(TableOf(rows, training.Count));
                return 0;
            }
        );
    }

    private static ClassifierTrainer Train(
        Models.Training recipe,
        ImageSet images,
        string what,
        ProgressLine line,
        CancellationToken cancellation
    )
    {
        var trainer = new ClassifierTrainer(recipe, images);
        try
        {
            trainer.Run(
                progress: now =>
                    line.Show(() =>
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"{what}: epoch {now.Epoch} of {recipe.Epochs}, loss {now.Loss:0.000}"
                        )
                    ),
                cancellation: cancellation
            );
            return trainer;
        }
        catch
        {
            trainer.Dispose();
            throw;
        }
    }

    private static ImageSet OfClass(ImageSet set, int label) =>
        set.Select([.. Enumerable.Range(0, set.Count).Where(i => set.Labels[i] == label)]);

    private static Table TableOf(List<LabelFlipRow> rows, int count)
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
        {
            table.AddRow(
                new[]
                {
                    row.From is null
                        ? row.Kind
                        : string.Create(CultureInfo.InvariantCulture, $"{row.Kind} {row.From} to {row.To}"),
                    string.Create(CultureInfo.InvariantCulture, $"{row.Share:0.####}"),
                    string.Create(CultureInfo.InvariantCulture, $"{row.Flipped}/{count}"),
                    Percent(row.CleanAccuracy),
                    Percent(row.PoisonedAccuracy),
                    Percent(row.CleanClassAccuracy),
                    Percent(row.PoisonedClassAccuracy),
                }
                    .Select(Markup.Escape)
                    .ToArray()
            );
        }

        return table;
    }

    private static string Percent(double? share) =>
        share is { } known ? string.Create(CultureInfo.InvariantCulture, $"{known * 100:0.0} %") : "";
}
