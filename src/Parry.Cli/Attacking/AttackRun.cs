using System.Globalization;
using Parry.Attacks;
using Parry.Catalogs;
using Parry.Data;
using Parry.Data.Images;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Cli.Attacking;

/// <summary>Runs attacks on one model, one after the other, and writes what they made.</summary>
internal sealed class AttackRun
{
    /// <summary>The model.</summary>
    public required IPredictor Model { get; init; }

    /// <summary>The images with their true classes.</summary>
    public required ImageSet Images { get; init; }

    /// <summary>Gives the images that some attacks learn from before they attack.</summary>
    public required Func<ImageSet> TrainingImages { get; init; }

    /// <summary>Decides every random draw.</summary>
    public required long Seed { get; init; }

    /// <summary>The most passes for each image.</summary>
    public required AttackLimits? Limits { get; init; }

    /// <summary>Where images are written to, one folder for each attack and budget; null for nowhere.</summary>
    public required string? Folder { get; init; }

    /// <summary>Runs one attack at all its budgets, and frees what it has learned.</summary>
    public IEnumerable<AttackRow> Run(AttackSpec attack, IProgress<double> progress, CancellationToken cancellation)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor images = Images.ImageTensor(),
            labels = Images.LabelTensor();
        Goal goal = attack.GoalFor(Model, images, labels, Seed);
        long[] truth = labels.ToArray<long>(),
            before = Predictions.Of(Model, images);
        bool[] right = [.. before.Zip(truth, (predicted, label) => predicted == label)];
        var rows = new List<AttackRow>();
        AttackSpec ready = attack.Attack is ITrainedAttack<IClassifier> { IsTrained: false }
            ? attack.Train(Model, TrainingImages(), Seed, cancellation: cancellation)
            : attack;
        using var learned = ready.Attack as IDisposable;
        var run = new Attacks.AttackRun(images, goal, Seed)
        {
            Attacked = attack.Target is null ? right : null,
            Limits = Limits,
            Progress = progress,
            Cancellation = cancellation,
        };
        foreach (AttackResult result in ready.Run(Model, run))
        {
            using (result)
            {
                rows.Add(Row(attack, result, goal, right));
                if (Folder is not null)
                    Write(attack, result, truth);
            }
        }

        return rows;
    }

    private AttackRow Row(AttackSpec attack, AttackResult result, Goal goal, bool[] right)
    {
        int attacked = result.Attacked.Count(value => value);
        double[] distances =
        [
            .. result
                .Distances(result.Norm)
                .Where((_, i) => result.Attacked[i])
                .Zip(
                    result.Succeeded.Where((_, i) => result.Attacked[i]),
                    (distance, succeeded) => succeeded ? distance : double.PositiveInfinity
                ),
        ];
        double? median =
            distances.Length > 0 && Median.Of(distances) is var middle && double.IsFinite(middle) ? middle : null;
        return new AttackRow(
            attack.Text,
            result.Norm.Name(),
            result.Epsilon,
            right.Length,
            right.Count(value => value),
            right.Zip(result.Succeeded).Count(row => row.First && !row.Second),
            attacked,
            result.Succeeded.Count(value => value),
            Rounding.Survivors(result, Model, goal).Count(value => value),
            median,
            result.Queries.Sum() / Math.Max(1, attacked),
            result.Gradients.Sum() / Math.Max(1, attacked),
            result.Seconds,
            Seed
        );
    }

    // NUMBER-TRUE-PREDICTED.png, for each image that the attack led to its goal.
    private void Write(AttackSpec attack, AttackResult result, long[] truth)
    {
        string name = result.Epsilon is { } epsilon
            ? string.Create(CultureInfo.InvariantCulture, $"{attack.Name}-{epsilon:0.######}")
            : attack.Name;
        string folder = Path.Combine(Folder!, name);
        Directory.CreateDirectory(folder);
        long[] predicted = Predictions.Of(Model, result.Images);
        byte[] pixels = Rounding.ToBytes(result.Images).mul(255.0).to(ScalarType.Byte).ToArray<byte>();
        int size = Images.Shape.Pixels;
        for (int i = 0; i < truth.Length; i++)
        {
            if (!result.Succeeded[i])
                continue;
            byte[] png = Png.Encode(pixels.AsSpan(i * size, size), Images.Shape);
            AtomicFile.Write(
                Path.Combine(folder, $"{i:00000}-{truth[i]}-{predicted[i]}.png"),
                stream => stream.Write(png)
            );
        }
    }
}
