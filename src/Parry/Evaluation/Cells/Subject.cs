using Parry.Attacks.Building;
using Parry.Data;
using Parry.Defenses;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Evaluation.Cells;

/// <summary>
/// A classifier as an evaluation measures it, bare or behind one defense. It judges with the defender's own random
/// draws.
/// </summary>
internal sealed class Subject
{
    private const int DefenderStream = 1;

    // Detectors and purifiers fork the first draw by small numbers.
    private const int FurtherDraws = 1 << 20;

    private readonly EvaluationPlan _plan;
    private readonly TrueClasses _truth;

    /// <summary>A classifier of a plan.</summary>
    /// <param name="plan">The evaluation.</param>
    /// <param name="defense">The defense; null for the bare classifier.</param>
    public Subject(EvaluationPlan plan, DefenseSpec? defense)
    {
        (_plan, Defense) = (plan, defense);
        _truth = new TrueClasses(plan.Images, plan.TrainingImages);
    }

    /// <summary>The defense; null for the bare classifier.</summary>
    public DefenseSpec? Defense { get; }

    /// <summary>The defense's name in rows, or "none".</summary>
    public string Name => Defense?.Name ?? EvaluationRow.Nothing;

    /// <summary>Its name in sentences.</summary>
    public string Title => Defense?.Name ?? "the bare classifier";

    /// <summary>Whether it is random, so that knowing its seed helps an attacker.</summary>
    public bool IsRandom => Defense is { IsRandom: true };

    /// <summary>Judges some images.</summary>
    /// <param name="images">The images with their samples.</param>
    /// <param name="bare">What the bare classifier predicts of them, if that is known.</param>
    public Verdict Judge(Images images, long[]? bare = null) => Judge(_plan, Defense, images, bare);

    /// <summary>Whether some detectors can refuse images.</summary>
    public bool CanRefuse => Defense is { Detectors.Count: > 0 };

    /// <summary>
    /// Whether a gradient passes through all detectors, so that an attack by gradients can evade them.
    /// </summary>
    public bool DetectorsHaveGradients()
    {
        using var scope = NewDisposeScope();
        using var follow = enable_grad();
        Tensor one = _plan.Images.Take(1).ImageTensor().requires_grad_();
        SampleRandom random = DefendersDraws(_plan, new long[] { 0 });
        return Defense?.Detectors.All(detector => detector.Scores(one, random).requires_grad) ?? true;
    }

    /// <summary>A model behind this defense as an attacker who knows the defense rebuilds it.</summary>
    /// <param name="model">The model.</param>
    /// <param name="weight">How much the detectors count beside the classifier; null leaves them out.</param>
    public IPredictor KnownTo(IPredictor model, double? weight) =>
        Refusing(Defense?.KnownTo(model, _plan.Seed) ?? model, new CallDraws(_plan.Seed), weight);

    /// <summary>The same with the draws that the defender will make.</summary>
    /// <param name="model">The model.</param>
    /// <param name="weight">How much the detectors count beside the classifier; null leaves them out.</param>
    public IPredictor WithDraws(IPredictor model, double? weight)
    {
        SampleRandom draws = DefendersDraws(_plan, Rows.All(_plan.Images.Count));
        return Refusing(Defense?.WithDraws(model, draws) ?? model, new CallDraws(draws), weight);
    }

    private IPredictor Refusing(IPredictor known, CallDraws draws, double? weight) =>
        weight is { } counted ? Defense?.Refusing(known, _truth, draws, counted) ?? known : known;

    private static Verdict Judge(EvaluationPlan plan, DefenseSpec? defense, Images images, long[]? bare = null)
    {
        if (defense is null)
            return Verdict.OfBare(plan.Model, images);
        return defense.IsRandom && plan.DrawRule.Draws > 1
            ? Verdict.OfDraws(plan.DrawRule, new TrueClasses(plan.Images).Of(images.Samples).ToArray<long>(), ByDraw)
            : ByDraw(0);

        Verdict ByDraw(int draw) =>
            Verdict.Of(defense, plan.Model, images, DefendersDraws(plan, images.Samples, draw), bare);
    }

    private static SampleRandom DefendersDraws(EvaluationPlan plan, ReadOnlyMemory<long> samples, int draw = 0)
    {
        SampleRandom first = new SampleRandom(plan.Seed, samples).Fork(DefenderStream);
        return draw == 0 ? first : first.Fork(FurtherDraws + draw);
    }
}
