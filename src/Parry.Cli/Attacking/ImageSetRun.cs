using Parry.Attacks;
using Parry.Attacks.Building;
using Parry.Catalogs;
using Parry.Data;
using Parry.Evaluation;
using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Cli.Attacking;

/// <summary>
/// Runs attacks on one model, one after the other, and writes the adversarial images. The images are attacked in parts,
/// so that memory does not grow with their number.
/// </summary>
internal sealed class ImageSetRun : IDisposable
{
    private readonly Dictionary<int, bool[]> _cleanCorrect = [];
    private readonly List<string> _notes = [];
    private WeakAttackCheck? _check;

    /// <summary>The model.</summary>
    public required IPredictor Model { get; init; }

    /// <summary>The images with their true classes.</summary>
    public required ImageSet Images { get; init; }

    /// <summary>Loads the images on which some attacks are trained before they attack.</summary>
    public required Func<ImageSet> TrainingImages { get; init; }

    /// <summary>The seed of every random draw.</summary>
    public required long Seed { get; init; }

    /// <summary>The largest number of passes for each image.</summary>
    public required AttackLimits? Limits { get; init; }

    /// <summary>Writes the adversarial images; null where they are not wanted.</summary>
    public required PictureWriter? Pictures { get; init; }

    /// <summary>Runs one attack at all its budgets, and frees it.</summary>
    public IReadOnlyList<AttackRow> Run(AttackSpec attack, IProgress<double> progress, CancellationToken cancellation)
    {
        using var frozen = no_grad();
        AttackSpec ready = attack.Attack is ITrainedAttack<IClassifier> { IsTrained: false }
            ? attack.Train(Model, TrainingImages(), Seed, cancellation: cancellation)
            : attack;
        using var learned = ready.Attack as IDisposable;
        var tallies = new List<AttackTally>();
        var parts = Images.Parts();
        foreach (var (part, (first, some)) in parts.Index())
            RunPart(ready, some, first, new PartOfProgress(progress, part, parts.Count), tallies, cancellation);

        _notes.AddRange(tallies.Select(tally => tally.Note).OfType<string>());
        return [.. tallies.Select(tally => tally.Row())];
    }

    private void RunPart(
        AttackSpec attack,
        ImageSet some,
        int first,
        IProgress<double> progress,
        List<AttackTally> tallies,
        CancellationToken cancellation
    )
    {
        using var scope = NewDisposeScope();
        Tensor images = some.ImageTensor();
        Goal goal = attack.GoalFor(Model, images, some.LabelTensor(), Seed, first);
        bool[] correct = CleanCorrect(some, images, first);
        var run = new AttackRun(images, goal, Seed)
        {
            FirstSample = first,
            Attacked = attack.Target is null ? correct : null,
            Limits = Limits,
            Starts = attack.Attack is IBoundarySearch ? Images.First(StartingPoint.MostImages).Images : null,
            Progress = progress,
            Cancellation = cancellation,
        };
        IReadOnlyList<AttackResult> results = attack.Run(Model, run);
        for (int budget = 0; budget < results.Count; budget++)
        {
            using AttackResult result = results[budget];
            if (tallies.Count == budget)
                tallies.Add(new AttackTally(attack, Seed));
            tallies[budget].Add(result, correct, Rounding.Survivors(result, Model, goal, first));
            if (first == 0)
                Check(attack, some, goal, result);
            Pictures?.Write(attack, some, images, goal, result, first);
        }
    }

    /// <summary>What the reader must know about the attacks that were run.</summary>
    public IReadOnlyList<string> Notes => _notes;

    /// <summary>How many clean images are classified correctly; null before the first attack.</summary>
    public int? CleanRight =>
        _cleanCorrect.Count == 0 ? null : _cleanCorrect.Values.Sum(part => part.Count(right => right));

    /// <summary>
    /// Signs that the attacks were too weak for this model to be trusted; none where the model shows no gradients.
    /// </summary>
    public IReadOnlyList<string> WeakAttackWarnings(CancellationToken cancellation) =>
        _check?.Warnings(cancellation) ?? [];

    /// <summary>Frees the images of the check.</summary>
    public void Dispose() => _check?.Dispose();

    // The first part stands for all: the check looks at a sample anyway.
    private void Check(AttackSpec attack, ImageSet some, Goal goal, AttackResult result)
    {
        if (Model is not IClassifier classifier)
            return;
        _check ??= new WeakAttackCheck(classifier, some, Seed);
        IReadOnlyList<double>? epsilons = result.Epsilon is { } epsilon ? [epsilon] : null;
        _check.Add(
            new PlannedAttack(attack.TextWithoutBudgets, attack.Attack, epsilons, null, attack.Target, attack.Mask),
            goal,
            result
        );
    }

    /// <summary>
    /// A warning if the model's accuracy on clean images is far below what is usual; otherwise, and before the first
    /// attack, null.
    /// </summary>
    public string? CleanAccuracyWarning(IImageSource set) =>
        CleanRight is { } right
            ? LowCleanAccuracy.Warning(right, Images.Count, Model.Classes, set.UsualAccuracy)
            : null;

    // The clean images are the same for every attack, so they are classified once.
    private bool[] CleanCorrect(ImageSet some, Tensor images, int first)
    {
        if (_cleanCorrect.TryGetValue(first, out bool[]? known))
            return known;
        long[] predicted = Predictions.Of(Model, images, first);
        return _cleanCorrect[first] = [.. predicted.Select((label, i) => label == some.Labels[i])];
    }
}
