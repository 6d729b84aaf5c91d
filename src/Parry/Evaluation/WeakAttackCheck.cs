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
    private readonly TestImages _test;
    private readonly EvaluationRecords _records;
    private readonly Subject _bare;

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
        TestImages test = TestImages.Of(images);
        _test = test with
        {
            Pixels = test.Pixels.DetachFromDisposeScope(),
            Labels = test.Labels.DetachFromDisposeScope(),
        };
        _records = new EvaluationRecords(_plan);
        _bare = Subject.Measure(_plan, null, _test);
    }

    /// <summary>Adds what an attack did.</summary>
    /// <param name="attack">The attack.</param>
    /// <param name="goal">Its goal.</param>
    /// <param name="result">Its images for these images.</param>
    public void Add(PlannedAttack attack, Goal goal, AttackResult result)
    {
        using var frozen = no_grad();
        using Verdict verdict = _bare.Judge(Models.Images.Of(result.Attempts));
        _records.Add(new CellResult(new Cell(attack, goal, _bare, Threat.None), result, verdict), _test);
    }

    /// <summary>Measures what is left to measure, and words the warnings; empty where there is no reason for
    /// one.</summary>
    public IReadOnlyList<string> Warnings(CancellationToken cancellation = default)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        var stages = new EvaluationStages(_plan, null, cancellation);
        return new WeakAttackWarnings(_plan, _test, stages, _records)
        {
            MostImages = MostImages,
            MostSearched = MostSearched,
        }.Measure([_bare]);
    }

    /// <summary>Frees the images.</summary>
    public void Dispose()
    {
        _bare.Clean.Dispose();
        _test.Pixels.Dispose();
        _test.Labels.Dispose();
    }
}
