using Parry.Attacks;
using Parry.Data;
using Parry.Evaluation.Cells;
using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Evaluation;

/// <summary>
/// Checks whether attacks on one classifier without a defense were strong enough to trust, as an evaluation does:
/// images without a gradient, random search where attacks by gradients fail, weaker results with larger budgets or more
/// steps. It looks at a sample of the images.
/// </summary>
public sealed class WeakAttackCheck : IDisposable
{
    private const int MostImages = 100;
    private const int MostSearched = 10;

    private readonly EvaluationPlan _plan;
    private readonly Subject _bare;
    private readonly RangeImages _images;
    private readonly bool[] _cleanCorrect;
    private readonly Outcomes _outcomes = new();

    /// <summary>Starts a check.</summary>
    /// <param name="model">The classifier.</param>
    /// <param name="images">The images that are attacked.</param>
    /// <param name="seed">Decides the draws of the random search.</param>
    public WeakAttackCheck(IClassifier model, ImageSet images, long seed)
    {
        _plan = new EvaluationPlan
        {
            ModelName = "",
            Model = model,
            Images = images,
            DataName = images.Name,
            Attacks = [],
            Defenses = [],
            Seed = seed,
            GalleryImages = 0,
        };
        _bare = new Subject(_plan, null);
        RangeImages all = RangeImages.Of(images);
        _images = all with
        {
            Pixels = all.Pixels.DetachFromDisposeScope(),
            Labels = all.Labels.DetachFromDisposeScope(),
        };
        _cleanCorrect = Measurements.Clean(_bare, _images).CleanCorrect;
    }

    /// <summary>Adds what an attack did.</summary>
    /// <param name="attack">The attack.</param>
    /// <param name="goal">Its goal.</param>
    /// <param name="result">Its images for these images.</param>
    public void Add(PlannedAttack attack, Goal goal, AttackResult result)
    {
        using var frozen = no_grad();
        using Verdict verdict = _bare.Judge(_images.With(result.Attempts));
        var cell = new Cell(attack, _bare, Threat.None);
        var builder = new PartBuilder(_plan, cell, _images, goal, _cleanCorrect);
        builder.Add(result, verdict);
        _outcomes.AddByBudget([cell], _ => [builder.Finish()]);
    }

    /// <summary>Measures what is left to measure, and words the warnings; empty where there is no reason for
    /// one.</summary>
    public IReadOnlyList<string> Warnings(CancellationToken cancellation = default)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        var checks = new GradientChecks(_plan.Seed, _images, cancellation)
        {
            MostImages = MostImages,
            MostSearched = MostSearched,
        };
        GradientCheck check = checks.Measure(_bare, (IClassifier)_plan.Model, _cleanCorrect, _outcomes.Best);
        return
        [
            .. new WeakAttackWarnings(_plan, _outcomes).OfRows(),
            .. WeakAttackWarnings.OfGradients(_bare, [check]),
        ];
    }

    /// <summary>Frees the images.</summary>
    public void Dispose()
    {
        _images.Pixels.Dispose();
        _images.Labels.Dispose();
    }
}
