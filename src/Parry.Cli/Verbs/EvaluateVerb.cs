using System.CommandLine;
using Parry.Catalogs;
using Parry.Cli.Evaluating;
using Parry.Evaluation;

namespace Parry.Cli.Verbs;

/// <summary>
/// <c>parry evaluate</c>: runs attacks against defenses, each defense against both attackers, and writes a report.
/// </summary>
internal sealed class EvaluateVerb
{
    private readonly ModelOptions _model = new();
    private readonly DataOptions _data = new();
    private readonly Option<string[]> _attacks = new("--attacks")
    {
        Description =
            "Attacks, each as NAME or NAME:key=value,…; names: "
            + $"{string.Join(", ", AttackCatalog.All.Select(entry => entry.Name))}.",
        HelpName = "ATTACK",
        Required = true,
        AllowMultipleArgumentsPerToken = true,
    };
    private readonly Option<string[]> _defenses = new("--defenses")
    {
        Description =
            $"Defenses, each as NAME or NAME:key=value,…; names: {string.Join(", ", DefenseCatalog.Names)}. The "
            + "undefended model is always measured too.",
        HelpName = "DEFENSE",
        AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => [],
    };
    private readonly Option<string?> _from = new("--from")
    {
        Description = "A substitute: images for the bare classifier are crafted on it and transferred.",
        HelpName = "MODEL",
    };
    private readonly Option<int> _count = Arguments.Count(200);
    private readonly Option<bool> _validation = new("--validation")
    {
        Description = "Use validation images (the last 10,000 training images), for choosing settings.",
    };
    private readonly Option<bool> _revisited = new("--revisited")
    {
        Description =
            "Also attack each random defense with knowledge of the defender's random seed: the white box revisited.",
    };
    private readonly Option<string> _drawRule = Arguments.DrawRule();
    private readonly Option<bool> _noBreaks = new("--no-known-breaks")
    {
        Description =
            "Leave out the attacks known to break the defenses, which can take as long as all others; the report "
            + "says so.",
    };
    private readonly Option<bool> _unawareOnly = new("--unaware-only")
    {
        Description =
            "Leave out attackers who know the defenses, as in many papers; the report says that it tells nothing about "
            + "robustness.",
    };
    private readonly Option<long?> _queries = Arguments.MaxQueries();
    private readonly Option<long?> _gradients = Arguments.MaxGradients();
    private readonly Option<long> _seed = Arguments.Seed();
    private readonly Option<string> _folder = new("--out")
    {
        Description = "The folder for report.json, report.md and index.html; --print-plan needs none.",
        HelpName = "DIR",
    };
    private readonly Option<bool> _fresh = Arguments.Fresh();
    private readonly Option<bool> _json = Arguments.Json();
    private readonly Option<bool> _printPlan = new("--print-plan")
    {
        Description = "Write the plan as JSON, for parry run, instead of evaluating.",
    };

    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        var verb = new EvaluateVerb();
        Command command = verb.Options();
        return command.Does((parsed, cancellation) => verb.Run(command, parsed, cancellation));
    }

    /// <summary>Reads a plan.</summary>
    /// <exception cref="UserErrorException">It is missing, no plan, or not valid; the message names it.</exception>
    public static (EvaluateRequest Request, string Plan) Read(string plan)
    {
        var verb = new EvaluateVerb();
        Command command = verb.Options();
        // A plan says nothing of where results go.
        ParseResult parsed = command.Parse([.. PlanFile.Read(command, plan), "--print-plan"]);
        return parsed.Errors.Count == 0
            ? (verb.Request(parsed), PlanFile.Write(command, parsed))
            : throw new UserErrorException($"{plan}: {Errors.Explain(parsed)}");
    }

    /// <summary>The JSON schema of plans.</summary>
    public static string PlanSchema() => PlanFile.SchemaOf(new EvaluateVerb().Options());

    private Command Options()
    {
        var command = new Command(
            "evaluate",
            "Attack a classifier with and without defenses, by attackers who know the defense and by those who do "
                + "not, and write a report."
        )
        {
            _model,
            _data,
            _attacks,
            _defenses,
            _from,
            _count,
            _validation,
            _revisited,
            _drawRule,
            _noBreaks,
            _unawareOnly,
            _queries,
            _gradients,
            _seed,
            _folder,
            _fresh,
            _json,
            _printPlan,
        };
        command.Validators.Add(given =>
        {
            if (given.GetValue(_folder) is null && !given.GetValue(_printPlan))
                given.AddError("option '--out' is required");
        });
        return command;
    }

    private int Run(Command command, ParseResult parsed, CancellationToken cancellation)
    {
        EvaluateRequest request = Request(parsed);
        if (parsed.GetValue(_printPlan))
        {
            Output.Of(parsed).Json(PlanFile.Write(command, parsed));
            return 0;
        }

        var mode = new EvaluateMode
        {
            Fresh = parsed.GetValue(_fresh),
            Json = parsed.GetValue(_json),
            Plan = PlanFile.Write(command, parsed),
        };
        RunFolder folder = EvaluateOutput.Folder(parsed.GetRequiredValue(_folder), mode.Fresh);
        return EvaluateOutput.Write(request, parsed, folder, mode, cancellation);
    }

    private EvaluateRequest Request(ParseResult parsed) =>
        new()
        {
            Model = _model.Read(parsed),
            Data = _data.Request(parsed),
            DataDir = _data.Folder(parsed),
            Attacks = parsed.GetRequiredValue(_attacks),
            Defenses = parsed.GetRequiredValue(_defenses),
            From = parsed.GetValue(_from),
            Count = parsed.GetValue(_count),
            Validation = parsed.GetValue(_validation),
            KnownBreaks = !parsed.GetValue(_noBreaks),
            AwareAttackers = !parsed.GetValue(_unawareOnly),
            Revisited = parsed.GetValue(_revisited),
            DrawRule = DrawRule.Parse(parsed.GetRequiredValue(_drawRule)),
            Limits = parsed.Limits(_queries, _gradients),
            Seed = parsed.GetValue(_seed),
            Command = parsed.CommandText(),
        };
}
