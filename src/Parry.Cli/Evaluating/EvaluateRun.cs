using Parry.Attacks;
using Parry.Catalogs;
using Parry.Cli.Attacking;
using Parry.Data;
using Parry.Defenses;
using Parry.Defenses.Purifiers;
using Parry.Evaluation;
using Parry.Models;
using Parry.Models.Http;
using Parry.Reports;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Cli.Evaluating;

/// <summary>Loads the parts of a request, evaluates it and makes the report.</summary>
/// <param name="request">The request.</param>
/// <param name="folder">Where records of single images are kept, and those of an earlier run taken over.</param>
/// <param name="mode">How it runs.</param>
internal sealed class EvaluateRun(EvaluateRequest request, string folder, EvaluateMode mode)
{
    private Func<EvaluationFindings, EvaluationReport>? _report;
    private Evaluator? _evaluator;
    private EvaluationFindings? _findings;
    private string? _leftOut;

    /// <summary>
    /// The report of what was found by now, also while the evaluation goes on or was left behind, and why it is not
    /// complete, if it is not; null before anything was found.
    /// </summary>
    public (EvaluationReport Report, string? Failure)? Found =>
        (_findings ?? _evaluator?.SoFar("it was stopped")) is { } findings
            ? (_report!(findings), findings.Failure)
            : null;

    /// <summary>Ends the evaluation after the range of images that it is at.</summary>
    public CancellationToken Pause { get; init; }

    /// <summary>What is still to be measured after the run.</summary>
    public IReadOnlyList<string> Missing => _evaluator?.Missing ?? [];

    /// <summary>Files in the folder of records that belong to no part of the plan.</summary>
    public IReadOnlyList<string> Foreign => _evaluator?.Foreign ?? [];

    /// <summary>How many parts of the evaluation were taken over from an earlier run.</summary>
    public int TakenOver => _evaluator?.TakenOver ?? 0;

    /// <summary>Evaluates. Everything is read and checked before the first image is attacked.</summary>
    /// <exception cref="UserErrorException">Something that the request names is not valid.</exception>
    /// <exception cref="EndpointException">A model served over HTTP failed before there were results.</exception>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public void Run(IProgress<EvaluationProgress>? progress, CancellationToken cancellation)
    {
        AttackSpec[] attacks = [.. request.Attacks.Select(AttackCatalog.Parse)];
        if (attacks.Length == 0)
            throw new UserErrorException(
                "expected at least one attack, got none: give one of "
                    + string.Join(", ", AttackCatalog.All.Select(entry => entry.Name))
            );
        if (request.From is null)
            Endpoints.Check(
                attacks,
                request.Model.Name,
                request.Model.Http,
                "Or craft images on a model of your own with --from FILE"
            );
        var (opened, set) = request.Model.OpenWith(request.Data, cancellation);
        using var context = new DefenseContext(set.Name, set.Shape, set.ClassNames.Count)
        {
            DataDir = request.DataDir,
            Source = set,
        };
        IPredictor model = context.Own(opened).Model;
        foreach (AttackSpec attack in attacks)
            context.Own(attack.Attack);
        ImageSet images = set.Load(
            request.Validation ? DataPart.Validation : DataPart.Test,
            Split.DefenseGan,
            request.DataDir,
            request.Count
        );
        (images, _, _leftOut) = FiniteScores.Of(model, images);
        if (model is IClassifier seen)
            context.Evaluated = seen;
        IClassifier? source = request.From is null ? null : context.Classifier(request.From);
        var content = new PlanContent();
        DefenseSpec[] defenses = [.. Defenses(context, content)];
        bool learning =
            attacks.Any(attack => attack.Attack is ITrainedAttack<IClassifier>)
            || defenses.Any(defense => defense.Breaks.Count > 0);
        ImageSet? known = learning ? set.Load(DataPart.Train, Split.DefenseGan, request.DataDir) : null;
        AddTo(content, images, known, attacks);
        _report = findings => Report(findings, images, set, attacks, defenses, opened);
        RecordFolder records = RecordFolder.Open(folder, content.Entries, mode.Fresh);
        records.PlanFile = mode.Plan;
        _evaluator = new Evaluator(
            new EvaluationPlan
            {
                ModelName = request.Model.Name,
                Model = model,
                Images = images,
                TrainingImages = known,
                DataName = set.Name,
                Attacks =
                [
                    .. attacks.Select(attack => new PlannedAttack(
                        NameOf(attack, attacks),
                        attack.Attack,
                        attack.Epsilons.Count == 0 ? null : attack.Epsilons,
                        source,
                        attack.Target,
                        attack.Mask
                    )),
                ],
                Limits = request.Limits,
                Defenses = defenses,
                KnownBreaks = request.KnownBreaks,
                AwareAttackers = request.AwareAttackers,
                Revisited = request.Revisited,
                DrawRule = request.DrawRule,
                Seed = request.Seed,
            },
            records
        )
        {
            Shard = mode.Shard,
            OnlyCollects = mode.OnlyCollects,
            OnlyPrepares = mode.OnlyPrepares,
            Pause = Pause,
        };
        _findings = _evaluator.Evaluate(progress, cancellation);
    }

    private EvaluationReport Report(
        EvaluationFindings findings,
        ImageSet images,
        IImageSource set,
        AttackSpec[] attacks,
        DefenseSpec[] defenses,
        OpenedModel opened
    ) =>
        new()
        {
            Title = $"{request.Model.Name} on {set.Title}",
            Command = request.Command,
            Created = DateTimeOffset.UtcNow,
            Machine = Machine(),
            Settings = Settings(images, set, attacks, defenses, opened.Model),
            Rows = findings.Rows,
            Rocs = findings.Rocs,
            Gallery = findings.Gallery,
            Times = findings.Times,
            Caveats = findings.Caveats,
            KnownBreaksNotRun = findings.KnownBreaksNotRun,
            Notes =
            [
                .. opened.Notes,
                .. findings.Warnings,
                .. findings.Notes,
                .. new[]
                {
                    _leftOut,
                    images.Note,
                    CleanAccuracyOf(opened.Model, set, findings),
                    SlowBfloat16(defenses),
                }.OfType<string>(),
            ],
        };

    private static string? SlowBfloat16(DefenseSpec[] defenses)
    {
        bool asked = defenses.Any(defense =>
            defense.Purifier
                is DefenseGan { Compute: ScalarType.BFloat16 }
                    or FastDefenseGan { Compute: ScalarType.BFloat16 }
        );
        return asked && !Devices.HasFastBfloat16
            ? "This processor emulates bfloat16, which takes up to 35 times as long as float32: leave out "
                + "compute=bfloat16."
            : null;
    }

    private static string? CleanAccuracyOf(IPredictor model, IImageSource set, EvaluationFindings findings) =>
        findings.Rows.FirstOrDefault(row => row is { Attack: EvaluationRow.Nothing, Defense: EvaluationRow.Nothing })
            is { } clean
            ? LowCleanAccuracy.Warning(clean.RobustCorrect, clean.Count, model.Classes, set.UsualAccuracy)
            : null;

    // The command-line name, with its options only where another attack has the same name, or where a mask makes its
    // numbers those of another question; the report's settings list all options.
    private string NameOf(AttackSpec attack, AttackSpec[] all)
    {
        bool isPlain = attack.Mask is null && all.Count(other => other.Name == attack.Name) == 1;
        string name = isPlain ? attack.Name : attack.TextWithoutBudgets;
        return request.From is null ? name : $"{name} from {request.From}";
    }

    // Named by the short name where only one defense has it.
    private IEnumerable<DefenseSpec> Defenses(DefenseContext context, PlanContent content)
    {
        string[] texts = [.. request.Defenses.Where(defense => defense != EvaluationRow.Nothing)];
        foreach (string text in texts)
        {
            int loaded = context.Files.Count;
            DefenseSpec defense = DefenseCatalog.Parse(text, context);
            string name = texts.Count(other => ShortName(other) == ShortName(text)) == 1 ? ShortName(text) : text;
            content.AddDefense(name, text, context.Files.Skip(loaded));
            yield return defense with
            {
                Name = name,
            };
        }
    }

    private static string ShortName(string defense) => defense.Split(':')[0];

    private void AddTo(PlanContent content, ImageSet images, ImageSet? known, AttackSpec[] attacks)
    {
        content.AddModel(request.Model);
        content.AddImages("images", images);
        if (known is not null)
            content.AddImages("training images", known);
        foreach (AttackSpec attack in attacks)
            content.AddAttack(NameOf(attack, attacks), attack);
        if (request.From is not null)
            content.AddModel("substitute", ModelRequest.Of(request.From));
        content.Add("seed", request.Seed);
        content.Add("limit on queries", request.Limits?.Queries);
        content.Add("limit on gradients", request.Limits?.Gradients);
        content.Add("known breaks", request.KnownBreaks);
        content.Add("attackers who know the defenses", request.AwareAttackers);
        content.Add("white box revisited", request.Revisited);
        content.Add("rule for random defenses", request.DrawRule);
    }

    private SortedDictionary<string, string> Settings(
        ImageSet images,
        IImageSource set,
        AttackSpec[] attacks,
        DefenseSpec[] defenses,
        IPredictor model
    )
    {
        var settings = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["images"] =
                $"the first {images.Count} {(request.Validation ? "validation" : "test")} images of {set.Name}",
            ["seed"] = $"{request.Seed}",
        };
        if (request.Limits is { Queries: { } queries })
            settings["limit"] = $"{queries} queries for each image and budget";
        if (request.Limits is { Gradients: { } gradients })
            settings["limit on gradients"] = $"{gradients} for each image and budget";
        if (model is HttpModel { Use: var use })
            settings["model over HTTP"] = $"{(model is IScorer ? "scores" : "labels")} seen; {use}";
        if (defenses.Any(defense => defense.IsRandom))
            settings["random defenses"] = request.DrawRule.ToString();
        foreach (AttackSpec attack in attacks)
            settings[$"attack {attack.Name}"] = attack.Text;
        foreach (DefenseSpec defense in defenses)
            settings[$"defense {defense.Name}"] = defense.Purifier is null
                ? defense.Name
                : $"defender: {defense.Purifier}; attacker: {defense.AttackersPurifier ?? defense.Purifier}, "
                    + $"gradients over {defense.Draws} draws";
        return settings;
    }

    private static Dictionary<string, string> Machine() =>
        new()
        {
            ["workers"] = $"{Workers.Shared.Count}",
            ["LibTorch"] = TorchLibrary.Version,
            ["system"] = System.Runtime.InteropServices.RuntimeInformation.OSDescription,
            [".NET"] = Environment.Version.ToString(),
        };
}
