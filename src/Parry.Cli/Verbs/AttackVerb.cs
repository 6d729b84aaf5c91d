using System.CommandLine;
using Parry.Catalogs;
using Parry.Cli.Attacking;
using Parry.Data;
using Parry.Evaluation;
using Parry.Models;
using Parry.Models.Http;
using Parry.Reports;
using Parry.Reports.Html;
using Spectre.Console;

namespace Parry.Cli.Verbs;

/// <summary><c>parry attack</c>: attacks on one classifier, with their strength and cost.</summary>
internal sealed class AttackVerb
{
    private readonly ModelOptions _model = new();
    private readonly DataOptions _data = new(required: false);
    private readonly PhotoOptions _photos = new();
    private readonly Option<string[]> _attacks = new("--attack")
    {
        Description =
            "An attack as NAME or NAME:key=value,…; `parry attack list` has the names. May be given several times.",
        HelpName = "ATTACK",
        Required = true,
        AllowMultipleArgumentsPerToken = true,
    };
    private readonly Option<int> _count = Arguments.Count(200);
    private readonly Option<long?> _queries = Arguments.MaxQueries();
    private readonly Option<long?> _gradients = Arguments.MaxGradients();
    private readonly Option<long> _seed = Arguments.Seed();
    private readonly Option<string?> _folder = new("--out")
    {
        Description =
            "A folder for the adversarial images, as PNG named NUMBER-TRUE-PREDICTED, by the prediction of the PNG; "
            + "with --image for strip.png and index.html (default: out/attack).",
        HelpName = "DIR",
    };
    private readonly Option<bool> _overwrite = Arguments.Overwrite();
    private readonly Option<bool> _lossless = new("--lossless")
    {
        Description = "Write each image also as .npy, float32 [C, H, W] in [0, 1], which loses nothing.",
    };
    private readonly Option<bool> _json = Arguments.Json();

    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        var verb = new AttackVerb();
        return new Command(
            "attack",
            "Attack a classifier and report its robust accuracy; `attack list` shows all attacks."
        )
        {
            AttackListVerb.Create(),
            verb._model,
            verb._data,
            verb._photos.Image,
            verb._photos.Label,
            verb._attacks,
            verb._count,
            verb._queries,
            verb._gradients,
            verb._seed,
            verb._folder,
            verb._overwrite,
            verb._lossless,
            verb._json,
        }.Does(verb.Run);
    }

    private int Run(ParseResult parsed, CancellationToken cancellation)
    {
        AttackSpec[] attacks = [.. parsed.GetRequiredValue(_attacks).Select(AttackCatalog.Parse)];
        ModelRequest request = _model.Read(parsed);
        Endpoints.Check(
            attacks,
            request.Name,
            request.Http,
            "Or craft images on a model of your own: `parry evaluate` with --from"
        );
        return _photos.AreGiven(parsed, _data)
            ? AttackPhotos(parsed, request, attacks, cancellation)
            : AttackSet(parsed, request, attacks, cancellation);
    }

    private int AttackPhotos(
        ParseResult parsed,
        ModelRequest request,
        AttackSpec[] attacks,
        CancellationToken cancellation
    )
    {
        bool overwrite = parsed.GetValue(_overwrite) || parsed.IsDefault(_folder);
        string path = parsed.GetValue(_folder) ?? PhotoOptions.DefaultFolder;
        RunFolder folder = RunFolder.Begin(path, overwrite, PhotoPage.FileNames);
        var findings = new PhotoFindings();
        return EndWith(
            parsed,
            (line, stop) =>
            {
                using OpenedModel opened = request.Open(stop);
                PhotoRun run = _photos.Load(parsed, _data, request, opened) with
                {
                    Seed = parsed.GetValue(_seed),
                    Limits = parsed.Limits(_queries, _gradients),
                };
                run.WithFiniteScores().Run(attacks, attack => new ShareProgress(line, attack.Name), findings, stop);
            },
            findings,
            () =>
            {
                PhotoReport report = findings.Report(request.Name);
                try
                {
                    folder.Claim(PhotoPage.FileNames);
                    report = report with { Files = PhotoPage.Write(report, path) };
                }
                catch (Exception e) when (e is IOException or UserErrorException)
                {
                    findings.Fail(e);
                }

                Output output = Output.Of(parsed);
                if (parsed.GetValue(_json))
                    output.Json(report, CliJson.Default.PhotoReport);
                else
                    PhotoTables.Show(output, report);
            },
            cancellation
        );
    }

    private int AttackSet(
        ParseResult parsed,
        ModelRequest request,
        AttackSpec[] attacks,
        CancellationToken cancellation
    )
    {
        RunFolder? folder = parsed.GetValue(_folder) is { } path
            ? RunFolder.Begin(path, parsed.GetValue(_overwrite))
            : null;
        var findings = new AttackFindings();
        return EndWith(
            parsed,
            (line, stop) => MeasureSet(parsed, request, attacks, folder, line, findings, stop),
            findings,
            () =>
            {
                AttackReport report = findings.Report(request.Name);
                Output output = Output.Of(parsed);
                if (parsed.GetValue(_json))
                    output.Json(report, CliJson.Default.AttackReport);
                else
                    Show(output, report, findings.Rows, folder?.FullPath);
            },
            cancellation
        );
    }

    private void MeasureSet(
        ParseResult parsed,
        ModelRequest request,
        AttackSpec[] attacks,
        RunFolder? folder,
        ProgressLine line,
        AttackFindings findings,
        CancellationToken cancellation
    )
    {
        var (opened, set) = request.OpenWith(_data.Request(parsed), cancellation);
        using OpenedModel owned = opened;
        foreach (AttackSpec attack in attacks)
            attack.CheckFits(opened.Model);
        var (images, _, leftOut) = FiniteScores.Of(opened.Model, _data.LoadTest(parsed, set, _count));
        PictureWriter? pictures = folder is null
            ? null
            : new PictureWriter(folder, opened.Model, parsed.GetValue(_lossless));
        using var run = new ImageSetRun
        {
            Model = opened.Model,
            Images = images,
            TrainingImages = () => _data.Load(parsed, set, DataPart.Train),
            Seed = parsed.GetValue(_seed),
            Limits = parsed.Limits(_queries, _gradients),
            Pictures = pictures,
        };
        findings.Data = set.Name;
        findings.Use = () => (opened.Model as HttpModel)?.Use;
        foreach (string note in opened.Notes)
            findings.Note(note);
        findings.Note(leftOut);
        findings.Note(run.Images.Note);
        findings.TryEach(
            attacks,
            attack =>
            {
                findings.Add(attack, run.Run(attack, new ShareProgress(line, attack.Name), cancellation));
                findings.Note(run.CleanAccuracyWarning(set));
            }
        );
        foreach (string note in run.Notes)
            findings.Note(note);
        findings.Note(pictures?.Note);
        if (pictures?.Failure is { } failure)
            findings.Fail(failure);
        line.Show(() => "checks whether the attacks were strong enough");
        foreach (string warning in run.WeakAttackWarnings(cancellation))
            findings.Note(warning);
    }

    // Does the work; then, also when it failed or was stopped on the way, shows what is finished.
    private static int EndWith(
        ParseResult parsed,
        Action<ProgressLine, CancellationToken> work,
        RunFindings findings,
        Action show,
        CancellationToken cancellation
    )
    {
        TextWriter error = parsed.InvocationConfiguration.Error;
        var stopping = new Stopping();
        using (ProgressLine line = ProgressLine.Of(parsed))
        {
            try
            {
                stopping.Do(() => work(line, cancellation), line, cancellation);
            }
            catch (OperationCanceledException) when (!findings.IsEmpty)
            {
                findings.Stop();
            }
            catch (Exception e) when (stopping.LeftBehind || !findings.IsEmpty)
            {
                findings.Fail(e);
            }
        }

        if (!findings.IsEmpty)
            show();
        return stopping.End(findings.ExitCode(error));
    }

    private static void Show(
        Output output,
        AttackReport report,
        IReadOnlyList<(AttackSpec Attack, AttackRow Row)> rows,
        string? folder
    )
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
        if (rows.Count > 0)
        {
            AttackRow clean = rows[0].Row;
            string accuracy = $"{clean.CleanAccuracy * 100:0.0} % ({clean.CleanCorrect}/{clean.Count})";
            table.AddCells("clean images", "", accuracy, "", "", "", "", "", "");
        }

        foreach (var (attack, row) in rows)
            table.AddCells(
                attack.TextWithoutBudgets,
                row.Epsilon is { } epsilon ? $"{row.Norm} {epsilon:0.####}" : $"{row.Norm} smallest",
                $"{row.RobustAccuracy * 100:0.0} % ({row.RobustCorrect}/{row.Count})",
                $"{row.Succeeded}/{row.Attacked}",
                row.MedianDistance is { } distance ? $"{distance:0.####}" : "infinite",
                $"{row.SurviveRounding}/{row.Succeeded}",
                $"{row.Queries:0.#}",
                $"{row.Gradients:0.#}",
                $"{row.Seconds:0.0}"
            );
        output.Render(table);
        output.Notes(report.Notes);
        if (folder is not null)
            output.Line($"Images: {folder}");
        if (report.Endpoint is { } use)
            output.Line($"{report.Model}: {use}");
    }
}
