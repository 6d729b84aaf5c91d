using System.CommandLine;
using System.Globalization;
using System.Text.Json.Serialization;
using Parry.Catalogs;
using Parry.Cli.Attacking;
using Parry.Data;
using Parry.Evaluation;
using Parry.Models;
using Parry.Models.Http;
using Parry.Reports;
using Spectre.Console;

namespace Parry.Cli.Verbs;

/// <summary><c>parry attack</c>: attacks on one classifier, with their strength and cost.</summary>
internal static class AttackVerb
{
    /// <summary>
    /// What <c>--json</c> writes. Of a model behind an address also what it was asked, and why it failed if it did:
    /// then rows are missing.
    /// </summary>
    internal sealed record AttackReport(
        string Model,
        string Data,
        IReadOnlyList<AttackRow> Rows,
        IReadOnlyList<string> Notes,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] EndpointUse? Endpoint = null,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Failure = null
    );

    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        var model = new ModelOptions();
        var data = new DataOptions(required: false);
        var photos = new PhotoOptions();
        var attacks = new Option<string[]>("--attack")
        {
            Description =
                "An attack as NAME or NAME:key=value,…; `parry attack list` has the names. May be given several times.",
            HelpName = "ATTACK",
            Required = true,
            AllowMultipleArgumentsPerToken = true,
        };
        Option<int> count = Arguments.Count(200);
        Option<long?> queries = Arguments.MaxQueries(),
            gradients = Arguments.MaxGradients();
        Option<long> seed = Arguments.Seed();
        var output = new Option<string?>("--out")
        {
            Description =
                "A folder for the adversarial images, as PNG named NUMBER-TRUE-PREDICTED; with --image for "
                + "strip.png and index.html, out/attack if not given.",
            HelpName = "DIR",
        };
        Option<bool> json = Arguments.Json();
        return new Command(
            "attack",
            "Attack a classifier and say how well it withstood; `attack list` shows all attacks."
        )
        {
            AttackListVerb.Create(),
            model,
            data,
            photos.Image,
            photos.Label,
            attacks,
            count,
            queries,
            gradients,
            seed,
            output,
            json,
        }.Does(
            (parsed, cancellation) =>
            {
                AttackSpec[] specs = [.. parsed.GetRequiredValue(attacks).Select(AttackCatalog.Parse)];
                ModelRequest request = model.Read(parsed);
                Endpoints.Check(
                    specs,
                    request.Name,
                    request.Http,
                    "Or craft images on a model of your own: `parry evaluate` with --from"
                );
                if (photos.AreGiven(parsed, data))
                    return photos.Run(
                        parsed,
                        request,
                        specs,
                        parsed.GetValue(seed),
                        parsed.Limits(queries, gradients),
                        parsed.GetValue(output),
                        parsed.GetValue(json),
                        cancellation
                    );
                string? folder = parsed.GetValue(output);
                if (folder is not null)
                    ReportFolder.CheckWritable(folder);
                var (opened, set) = request.OpenWith(data.Text(parsed), data.Attribute(parsed), cancellation);
                using OpenedModel owned = opened;
                ImageSet images = set.Load(
                    DataPart.Test,
                    Split.DefenseGan,
                    data.Folder(parsed),
                    parsed.GetValue(count),
                    orFewer: parsed.IsDefault(count)
                );
                string[] notes =
                [
                    .. new[]
                    {
                        images.Note,
                        opened.Model is IClassifier ? NearChance.Warning(opened.Model, images) : null,
                    }.OfType<string>(),
                ];
                var run = new AttackRun
                {
                    Model = opened.Model,
                    Images = images,
                    TrainingImages = () => set.Load(DataPart.Train, Split.DefenseGan, data.Folder(parsed)),
                    Seed = parsed.GetValue(seed),
                    Limits = parsed.Limits(queries, gradients),
                    Folder = folder,
                };
                var rows = new List<(AttackSpec Attack, AttackRow Row)>();
                EndpointException? failure = null;
                using (ProgressLine line = ProgressLine.Of(parsed))
                {
                    try
                    {
                        foreach (AttackSpec attack in specs)
                            rows.AddRange(
                                run.Run(attack, new Shares(line, attack.Name), cancellation)
                                    .Select(row => (attack, row))
                            );
                    }
                    catch (EndpointException e) when (rows.Count > 0)
                    {
                        // The rows of the attacks that had ended stand.
                        failure = e;
                    }
                }

                // An endpoint is not asked once more for this.
                if (
                    opened.Model is not IClassifier
                    && rows is [var (_, clean), ..]
                    && NearChance.Warning(clean.CleanCorrect, clean.Count, opened.Model.Classes) is { } warning
                )
                    notes = [.. notes, warning];
                Output shown = Output.Of(parsed);
                EndpointUse? use = (opened.Model as HttpModel)?.Use;
                if (parsed.GetValue(json))
                {
                    shown.Json(
                        new AttackReport(
                            request.Name,
                            set.Name,
                            [.. rows.Select(row => row.Row)],
                            notes,
                            use,
                            failure?.Message
                        ),
                        CliJson.Default.AttackReport
                    );
                }
                else
                {
                    shown.Render(TableOf(rows));
                    foreach (string note in notes)
                        shown.Line($"note: {note}");
                    if (folder is not null)
                        shown.Line($"Images: {folder}");
                    if (use is not null)
                        shown.Line($"{request.Name}: {use}");
                }

                return failure is null ? 0 : Errors.Report(failure, parsed.InvocationConfiguration.Error);
            }
        );
    }

    private static Table TableOf(List<(AttackSpec Attack, AttackRow Row)> rows)
    {
        Table table = Output.Table(
            "attack",
            "budget",
            ">robust",
            ">success",
            ">median distance",
            ">after rounding to 8 bits",
            ">queries",
            ">gradients",
            ">seconds"
        );
        foreach (var (attack, row) in rows)
        {
            table.AddRow(
                new[]
                {
                    attack.TextWithoutBudgets,
                    row.Epsilon is { } epsilon
                        ? string.Create(CultureInfo.InvariantCulture, $"{row.Norm} {epsilon:0.####}")
                        : $"{row.Norm} smallest",
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{row.RobustAccuracy * 100:0.0} % ({row.RobustCorrect}/{row.Count})"
                    ),
                    string.Create(CultureInfo.InvariantCulture, $"{row.Succeeded}/{row.Attacked}"),
                    row.MedianDistance is { } distance
                        ? string.Create(CultureInfo.InvariantCulture, $"{distance:0.####}")
                        : "infinite",
                    string.Create(CultureInfo.InvariantCulture, $"{row.SurviveRounding}/{row.Succeeded}"),
                    string.Create(CultureInfo.InvariantCulture, $"{row.Queries:0.#}"),
                    string.Create(CultureInfo.InvariantCulture, $"{row.Gradients:0.#}"),
                    string.Create(CultureInfo.InvariantCulture, $"{row.Seconds:0.0}"),
                }
                    .Select(Markup.Escape)
                    .ToArray()
            );
        }

        return table;
    }
}
