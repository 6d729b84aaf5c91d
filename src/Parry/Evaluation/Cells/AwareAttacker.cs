using Parry.Attacks;
using Parry.Models;

namespace Parry.Evaluation.Cells;

/// <summary>
/// An attacker who knows a defense, and perhaps its random seed. Against detectors several weights are tried, one after
/// the other: what fails with one weight is tried with the next.
/// </summary>
/// <param name="plan">The evaluation.</param>
/// <param name="cell">The attack, the defense, and what the attacker knows.</param>
/// <param name="kept">Where what the attack learns is kept.</param>
internal sealed class AwareAttacker(EvaluationPlan plan, Cell cell, LearnedFile kept) : IDisposable
{
    private readonly double?[] _weights =
    [
        .. cell.Attack.DetectorWeights.Take(cell.Subject.CanRefuse ? int.MaxValue : 1),
    ];

    private readonly List<AttackOnModel> _byWeight = [];

    /// <summary>
    /// Whether it crafts its images on the substitute, behind the defense: the model itself shows too little.
    /// </summary>
    public bool UsesSubstitute =>
        cell.Attack.Source is not null && !cell.Attack.Attack.Fits(Defended(plan.Model, _weights[0]));

    /// <summary>What learning to attack took; null where nothing was learned.</summary>
    public AttackTraining? Training => _byWeight.FirstOrDefault()?.Training;

    /// <summary>Has the attack learn, if it must.</summary>
    public void Prepare(EvaluationStages stages)
    {
        using AttackOnModel first = With(_weights[0]);
        first.Prepare(stages);
    }

    /// <summary>Attacks images.</summary>
    /// <param name="images">The clean images.</param>
    /// <param name="goal">The attack's goal for each.</param>
    /// <param name="cleanCorrect">Which of them the defended classifier is right about.</param>
    /// <param name="stages">Told what begins.</param>
    /// <returns>One result for each budget, or one in all; the caller owns them.</returns>
    public IReadOnlyList<AttackResult> Run(RangeImages images, Goal goal, bool[] cleanCorrect, EvaluationStages stages)
    {
        AttackResult[]? results = null;
        for (int i = 0; i < _weights.Length; i++)
        {
            bool[] left = results is null ? cleanCorrect : StillToFool(results);
            if (results is not null && !left.Contains(true))
                break;
            if (_byWeight.Count == i)
                _byWeight.Add(With(_weights[i]));
            IReadOnlyList<AttackResult> next = _byWeight[i].Run(images, goal, left, stages);
            results = results is null ? [.. next] : [.. results.Zip(next, (first, again) => first.OrElse(again))];
        }

        return results!;
    }

    public void Dispose() => _byWeight.ForEach(attack => attack.Dispose());

    private AttackOnModel With(double? weight)
    {
        bool knowsSeed = cell.Threat == Threat.WhiteBoxRevisited;
        string title = $"{cell.Subject.Title}, adaptive{(knowsSeed ? " with its seed" : "")}";
        IPredictor seen = Defended(UsesSubstitute ? cell.Attack.Source! : plan.Model, weight);
        return new AttackOnModel(plan, cell.Attack, seen, title, isDefended: true, kept);
    }

    // The defended classifier as the attacker rebuilds it.
    private IPredictor Defended(IPredictor model, double? weight) =>
        cell.Threat == Threat.WhiteBoxRevisited
            ? cell.Subject.WithDraws(model, weight)
            : cell.Subject.KnownTo(model, weight);

    // Images that were attacked without success at some budget.
    private static bool[] StillToFool(AttackResult[] results) =>
        [
            .. Enumerable
                .Range(0, results[0].Attacked.Length)
                .Select(i => results.Any(result => result.Attacked[i] && !result.Succeeded[i])),
        ];
}
