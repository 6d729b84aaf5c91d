using Parry.Attacks;
using Parry.Attacks.Building;
using Parry.Attacks.Transfer;
using Parry.Catalogs;
using Parry.Data;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Cli.Attacking;

/// <summary>
/// Makes adversarial images on surrogates and counts which targets they fool. Only images that all models classify
/// correctly count, as in the papers, so that all cells are about the same images.
/// </summary>
internal sealed class TransferRun
{
    /// <summary>Joins the names of an ensemble.</summary>
    public const char And = '+';

    /// <summary>All models by name.</summary>
    public required IReadOnlyDictionary<string, IPredictor> Models { get; init; }

    /// <summary>The surrogates: names, or several joined by +, which are attacked through the mean of their logits.
    /// </summary>
    public required IReadOnlyList<string> From { get; init; }

    /// <summary>The names of the targets.</summary>
    public required IReadOnlyList<string> To { get; init; }

    /// <summary>The attacks.</summary>
    public required IReadOnlyList<AttackSpec> Attacks { get; init; }

    /// <summary>The seed of every random draw.</summary>
    public required long Seed { get; init; }

    /// <summary>Says before any work whether the attacks fit the surrogates.</summary>
    /// <exception cref="UserErrorException">One does not, or learns.</exception>
    public void CheckFits()
    {
        foreach (AttackSpec attack in Attacks)
        {
            if (attack.Attack is ITrainedAttack<IClassifier>)
                throw new UserErrorException(
                    $"expected an attack that does not learn, got {attack.Name}: it has models of its own; run it "
                        + "with the verb attack"
                );
            foreach (string from in From)
                attack.CheckFits(Surrogate(from));
        }
    }

    /// <summary>Runs all attacks on all surrogates.</summary>
    /// <param name="images">The images with their true classes.</param>
    /// <param name="line">Shows the progress.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="UserErrorException">No image is classified correctly by all models.</exception>
    public TransferReport Run(ImageSet images, ProgressLine line, CancellationToken cancellation)
    {
        using var frozen = no_grad();
        int[] kept = Correct(images);
        if (kept.Length == 0)
            throw new UserErrorException(
                $"none of {images.Count} images is classified correctly by all of {string.Join(", ", Models.Keys)}: "
                    + "give more images, or check how the models take them (--mean, --std, --range, --layout)"
            );
        ImageSet some = images.Select(kept);
        TransferCell[] cells =
        [
            .. Attacks.SelectMany(attack => From.SelectMany(from => Cells(attack, from, some, line, cancellation))),
        ];
        return new TransferReport(images.Name, kept.Length, images.Count - kept.Length, Seed, cells, images.Note);
    }

    private TransferCell[] Cells(
        AttackSpec attack,
        string from,
        ImageSet images,
        ProgressLine line,
        CancellationToken cancellation
    )
    {
        IPredictor surrogate = Surrogate(from);
        using Tensor? starts = attack.Attack is IBoundarySearch ? images.First(StartingPoint.MostImages).Images : null;
        var parts = images.Parts();
        TransferCell[]? cells = null;
        foreach (var (part, (first, some)) in parts.Index())
        {
            using var scope = NewDisposeScope();
            Tensor pixels = some.ImageTensor();
            Goal goal = attack.GoalFor(surrogate, pixels, some.LabelTensor(), Seed, first);
            var run = new AttackRun(pixels, goal, Seed)
            {
                FirstSample = first,
                Starts = starts,
                Progress = new PartOfProgress(new ShareProgress(line, $"{attack.Name} on {from}"), part, parts.Count),
                Cancellation = cancellation,
            };
            TransferCell[] more =
            [
                .. attack
                    .Run(surrogate, run)
                    .SelectMany(result => To.Select(to => Cell(attack, from, to, goal, result, first))),
            ];
            cells = cells is null ? more : [.. cells.Zip(more, Sum)];
        }

        return cells!;
    }

    private TransferCell Cell(AttackSpec attack, string from, string to, Goal goal, AttackResult result, int first)
    {
        long[] predicted = Predictions.Of(Models[to], result.Attempts, first);
        bool[] reached = goal.IsReached(tensor(predicted)).ToArray<bool>();
        return new TransferCell(
            attack.Text,
            result.Norm.Name(),
            result.Epsilon,
            from,
            to,
            from.Split(And).Contains(to),
            result.Attacked.Count(tried => tried),
            reached.Zip(result.Attacked).Count(image => image.First && image.Second)
        );
    }

    private static TransferCell Sum(TransferCell one, TransferCell other) =>
        one with
        {
            Attacked = one.Attacked + other.Attacked,
            Succeeded = one.Succeeded + other.Succeeded,
        };

    private IPredictor Surrogate(string from)
    {
        string[] names = from.Split(And);
        if (names.Length == 1)
            return Models[from];
        IClassifier[] members =
        [
            .. names.Select(name =>
                Models[name] as IClassifier
                ?? throw new UserErrorException($"expected models with logits in {from}, got {name}: give a model file")
            ),
        ];
        return new ModelEnsemble(members, EnsembleMean.Logits);
    }

    // The rows that all models classify correctly.
    private int[] Correct(ImageSet images)
    {
        var rows = new List<int>();
        foreach (var (first, some) in images.Parts())
        {
            using Tensor pixels = some.ImageTensor();
            long[][] predicted = [.. Models.Values.Select(model => Predictions.Of(model, pixels, first))];
            for (int i = 0; i < some.Count; i++)
            {
                if (predicted.All(labels => labels[i] == some.Labels[i]))
                    rows.Add(first + i);
            }
        }

        return [.. rows];
    }
}
