using System.CommandLine;
using System.Globalization;
using Parry.Catalogs;
using Parry.Cli.Attacking;
using Parry.Data;
using Parry.Models;
using Spectre.Console;

namespace Parry.Cli.Verbs;

/// <summary><c>parry transfer</c>: how often images made on some models fool others.</summary>
internal sealed class TransferVerb
{
    private readonly Option<string[]> _from = new("--from")
    {
        Description =
            "The models that images are made on: files or names of models that ship; A+B is the ensemble of A and B, "
            + "by the mean of their logits.",
        HelpName = "MODEL",
        Required = true,
        AllowMultipleArgumentsPerToken = true,
    };
    private readonly Option<string[]> _to = new("--to")
    {
        Description = "The models that should be fooled.",
        HelpName = "MODEL",
        Required = true,
        AllowMultipleArgumentsPerToken = true,
    };
    private readonly ModelOptions _model = new(named: false);
    private readonly DataOptions _data = new();
    private readonly Option<string[]> _attacks = new("--attack")
    {
        Description =
            "An attack as NAME or NAME:key=value,…, such as mi-fgsm:eps=16/255,di,ti,si. May be given several times.",
        HelpName = "ATTACK",
        Required = true,
        AllowMultipleArgumentsPerToken = true,
    };
    private readonly Option<int> _count = Arguments.Count(200);
    private readonly Option<long> _seed = Arguments.Seed();
    private readonly Option<bool> _json = Arguments.Json();

    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        var verb = new TransferVerb();
        return new Command("transfer", "Make adversarial images on some models and report how often they fool others.")
        {
            verb._from,
            verb._to,
            verb._model,
            verb._data,
            verb._attacks,
            verb._count,
            verb._seed,
            verb._json,
        }.Does(verb.Run);
    }

    private int Run(ParseResult parsed, CancellationToken cancellation)
    {
        AttackSpec[] attacks = [.. parsed.GetRequiredValue(_attacks).Select(AttackCatalog.Parse)];
        string[] from = [.. parsed.GetRequiredValue(_from).Distinct()];
        string[] to = [.. parsed.GetRequiredValue(_to).Distinct()];
        string[] names = [.. from.SelectMany(name => name.Split(TransferRun.And)).Concat(to).Distinct()];
        var opened = new Dictionary<string, OpenedModel>();
        try
        {
            IImageSource set = Open(parsed, names, opened, cancellation);
            var run = new TransferRun
            {
                Models = opened.ToDictionary(model => model.Key, model => model.Value.Model),
                From = from,
                To = to,
                Attacks = attacks,
                Seed = parsed.GetValue(_seed),
            };
            run.CheckFits();
            TransferReport report;
            using (ProgressLine line = ProgressLine.Of(parsed))
                report = run.Run(_data.LoadTest(parsed, set, _count), line, cancellation);
            Output output = Output.Of(parsed);
            if (parsed.GetValue(_json))
                output.Json(report, CliJson.Default.TransferReport);
            else
                Show(output, report, to);
            return 0;
        }
        finally
        {
            foreach (OpenedModel model in opened.Values)
                model.Dispose();
        }
    }

    // The first model decides the size of the images.
    private IImageSource Open(
        ParseResult parsed,
        string[] names,
        Dictionary<string, OpenedModel> opened,
        CancellationToken cancellation
    )
    {
        IImageSource? images = null;
        foreach (string name in names)
        {
            var (model, set) = _model.Read(parsed, name).OpenWith(_data.Request(parsed), cancellation);
            opened.Add(name, model);
            images ??= set;
            IPredictor first = opened[names[0]].Model;
            if (model.Model.Shape != first.Shape || model.Model.Classes != first.Classes)
                throw new UserErrorException(
                    $"expected models of the same images and classes, got {names[0]} with {first.Classes} classes and "
                        + $"images of {first.Shape}, and {name} with {model.Model.Classes} and {model.Model.Shape}"
                );
        }

        return images!;
    }

    private static void Show(Output output, TransferReport report, string[] to)
    {
        Table table = Output.Table(["attack", "budget", "made on", .. to.Select(name => $">{name}")]);
        foreach (TransferCell[] row in report.Cells.Chunk(to.Length))
        {
            TransferCell first = row[0];
            string budget = first.Epsilon is { } epsilon ? Counted($"{first.Norm} {epsilon:0.####}") : first.Norm;
            table.AddCells([first.Attack, budget, first.From, .. row.Select(Rate)]);
        }

        output.Render(table);
        int all = report.Count + report.LeftOut;
        output.Line(
            $"The share of {report.Count} images of {report.Data} that fool each model, with 95 % intervals; * marks "
                + "models that the images were made on."
        );
        if (report.LeftOut > 0)
            output.Notes([
                $"{report.LeftOut} of {all} images are left out: some model does not classify them correctly.",
            ]);
        if (report.Note is { } note)
            output.Notes([note]);
    }

    private static string Rate(TransferCell cell) =>
        cell.SuccessRate is { } rate
            ? Counted($"{100 * rate:0.0} % ({100 * cell.SuccessLow:0.0}–{100 * cell.SuccessHigh:0.0})")
                + (cell.Known ? "*" : "")
            : "none attacked";

    private static string Counted(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
