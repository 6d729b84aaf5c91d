using Parry.Attacks;
using Parry.Catalogs;
using Parry.Data;
using Parry.Data.Images;
using Parry.Evaluation;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Cli.Attacking;

/// <summary>Runs attacks on one model, one after the other, and writes the adversarial images.</summary>
internal sealed class ImageSetRun : IDisposable
{
    private bool[]? _cleanCorrect;
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

    /// <summary>The folder for images, with a folder for each attack and budget; null for none.</summary>
    public required RunFolder? Folder { get; init; }

    /// <summary>Why images could not be written; null if they could.</summary>
    public Exception? WriteFailure { get; private set; }

    /// <summary>Runs one attack at all its budgets, and frees it.</summary>
    public IReadOnlyList<AttackRow> Run(AttackSpec attack, IProgress<double> progress, CancellationToken cancellation)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor images = Images.ImageTensor();
        Goal goal = attack.GoalFor(Model, images, Images.LabelTensor(), Seed);
        bool[] correct = CleanCorrect(images);
        AttackSpec ready = attack.Attack is ITrainedAttack<IClassifier> { IsTrained: false }
            ? attack.Train(Model, TrainingImages(), Seed, cancellation: cancellation)
            : attack;
        using var learned = ready.Attack as IDisposable;
        var run = new AttackRun(images, goal, Seed)
        {
            Attacked = attack.Target is null ? correct : null,
            Limits = Limits,
            Progress = progress,
            Cancellation = cancellation,
        };
        var rows = new List<AttackRow>();
        foreach (AttackResult result in ready.Run(Model, run))
        {
            using AttackResult owned = result;
            rows.Add(Row(attack, result, goal, correct));
            Check(attack, goal, result);
            Write(attack, result);
        }

        return rows;
    }

    /// <summary>How many clean images are classified correctly; null before the first attack.</summary>
    public int? CleanRight => _cleanCorrect?.Count(right => right);

    /// <summary>
    /// Signs that the attacks were too weak for this model to be trusted; none where the model shows no gradients.
    /// </summary>
    public IReadOnlyList<string> WeakAttackWarnings(CancellationToken cancellation) =>
        _check?.Warnings(cancellation) ?? [];

    /// <summary>Frees the images of the check.</summary>
    public void Dispose() => _check?.Dispose();

    private void Check(AttackSpec attack, Goal goal, AttackResult result)
    {
        if (Model is not IClassifier classifier)
            return;
        _check ??= new WeakAttackCheck(classifier, Images, Seed);
        IReadOnlyList<double>? epsilons = result.Epsilon is { } epsilon ? [epsilon] : null;
        _check.Add(
            new PlannedAttack(attack.TextWithoutBudgets, attack.Attack, epsilons, null, attack.Target),
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
    private bool[] CleanCorrect(Tensor images) =>
        _cleanCorrect ??= [.. Predictions.Of(Model, images).Select((predicted, i) => predicted == Images.Labels[i])];

    private AttackRow Row(AttackSpec attack, AttackResult result, Goal goal, bool[] correct)
    {
        int attacked = result.Attacked.Count(value => value);
        float[] sizes = result.Distances(result.Norm);
        double[] distances =
        [
            .. Enumerable
                .Range(0, sizes.Length)
                .Where(i => result.Attacked[i])
                .Select(i => result.Succeeded[i] ? sizes[i] : double.PositiveInfinity),
        ];
        double median = distances.Length == 0 ? double.PositiveInfinity : Median.Of(distances);
        return new AttackRow(
            attack.Text,
            result.Norm.Name(),
            result.Epsilon,
            correct.Length,
            correct.Count(value => value),
            correct.Zip(result.Succeeded).Count(row => row.First && !row.Second),
            attacked,
            result.Succeeded.Count(value => value),
            Rounding.Survivors(result, Model, goal).Count(value => value),
            double.IsFinite(median) ? median : null,
            result.Queries.Sum() / Math.Max(1, attacked),
            result.Gradients.Sum() / Math.Max(1, attacked),
            result.Seconds,
            Seed
        );
    }

    // NUMBER-TRUE-PREDICTED.png, for each image on which the attack reached its goal. A full disk costs no rows.
    private void Write(AttackSpec attack, AttackResult result)
    {
        if (Folder is null || WriteFailure is not null)
            return;
        string name = result.Epsilon is { } epsilon ? $"{attack.Name}-{epsilon:0.######}" : attack.Name;
        long[] predicted = Predictions.Of(Model, result.Images);
        byte[] pixels = (Rounding.ToBytes(result.Images) * 255.0).to(ScalarType.Byte).ToArray<byte>();
        int size = Images.Shape.Pixels;
        (int Index, string File)[] files =
        [
            .. Enumerable
                .Range(0, predicted.Length)
                .Where(i => result.Succeeded[i])
                .Select(i => (i, $"{name}/{i:00000}-{Images.Labels[i]}-{predicted[i]}.png")),
        ];
        try
        {
            Folder.Claim(files.Select(file => file.File));
            foreach (var (i, file) in files)
            {
                byte[] png = Png.Encode(pixels.AsSpan(i * size, size), Images.Shape);
                AtomicFile.Write(Path.Combine(Folder.FullPath, file), stream => stream.Write(png));
            }
        }
        catch (Exception e) when (e is IOException or UserErrorException)
        {
            WriteFailure = e;
        }
    }
}
