using Parry.Attacks;
using Parry.Catalogs;
using Parry.Data;
using Parry.Evaluation;
using Parry.Models;
using Parry.Reports;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Cli.Attacking;

/// <summary>Attacks single photos, and compares the model's predictions before and after.</summary>
internal sealed record PhotoRun
{
    private const int MostLikely = 5;

    /// <summary>The model.</summary>
    public required IPredictor Model { get; init; }

    /// <summary>The photos; their labels hold only if <see cref="Labeled"/>.</summary>
    public required ImageSet Photos { get; init; }

    /// <summary>Their files.</summary>
    public required IReadOnlyList<string> Files { get; init; }

    /// <summary>Whether the classes were given; otherwise attacks lead away from the model's own predictions.</summary>
    public required bool Labeled { get; init; }

    /// <summary>The seed of every random draw.</summary>
    public long Seed { get; init; }

    /// <summary>The largest number of passes for each photo; null for no limit.</summary>
    public AttackLimits? Limits { get; init; }

    /// <summary>What must be known of the model before its answers are believed.</summary>
    public required IReadOnlyList<string> ModelNotes { get; init; }

    /// <summary>How many photos were left out, and why; null if none.</summary>
    private string? LeftOut { get; init; }

    private string? Note =>
        string.Join(' ', ModelNotes.Append(LeftOut).Append(Photos.Note).OfType<string>()) is { Length: > 0 } note
            ? note
            : null;

    /// <summary>Without the photos for which the model gives no usable scores, which a note counts.</summary>
    /// <exception cref="UserErrorException">There is no photo left.</exception>
    public PhotoRun WithFiniteScores()
    {
        var (photos, rows, note) = FiniteScores.Of(Model, Photos);
        return note is null
            ? this
            : this with
            {
                Photos = photos,
                Files = [.. rows.Select(row => Files[row])],
                LeftOut = note,
            };
    }

    /// <summary>Runs all attacks at all their budgets.</summary>
    /// <param name="attacks">The attacks.</param>
    /// <param name="progress">Told how far an attack is.</param>
    /// <param name="findings">Takes what each attack did, as soon as it has ended.</param>
    /// <param name="cancellation">Stops the run.</param>
    public void Run(
        IReadOnlyList<AttackSpec> attacks,
        Func<AttackSpec, IProgress<double>> progress,
        PhotoFindings findings,
        CancellationToken cancellation
    )
    {
        foreach (AttackSpec attack in attacks)
            attack.CheckFits(Model);
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor images = Photos.ImageTensor();
        ClassScore[][] before = Top(images);
        Tensor labels = Labeled ? Photos.LabelTensor() : tensor(Array.ConvertAll(before, top => (long)top[0].Class));
        long[] classes = labels.ToArray<long>();
        findings.Begin([.. before.Select((top, i) => Photo(i, (int)classes[i], top))], Note);
        findings.TryEach(
            attacks,
            attack =>
            {
                Goal goal = attack.GoalFor(Model, images, labels, Seed);
                var run = new AttackRun(images, goal, Seed)
                {
                    Limits = Limits,
                    Starts = images,
                    Progress = progress(attack),
                    Cancellation = cancellation,
                };
                foreach (AttackResult result in attack.Run(Model, run))
                {
                    using AttackResult owned = result;
                    findings.Add(Compare(attack, result, images, before));
                }
            }
        );
    }

    private AttackedPhoto Photo(int i, int label, ClassScore[] before) =>
        new(Files[i], label, NameOf(label), Labeled, before, [])
        {
            Pixels = Photos.Image(i).ToArray(),
            Shape = Photos.Shape,
        };

    // The attack's last attempt counts even if it failed, because the strip shows it.
    private PhotoAttack[] Compare(AttackSpec attack, AttackResult result, Tensor images, ClassScore[][] before)
    {
        using var scope = NewDisposeScope();
        Tensor rounded = Rounding.ToBytes(result.Attempts);
        Tensor change = result.Attempts - images;
        ClassScore[][] after = Top(result.Attempts);
        ClassScore[][] afterRounding = Top(rounded);
        float[] largest = change.abs().MaxPerImage().ToArray<float>();
        float[] length = (change * change).SumPerImage().sqrt().ToArray<float>();
        double[] amplification = Array.ConvertAll(largest, value => 0.5 / Math.Max(value, 1 / 255.0));
        Tensor factors = tensor(Array.ConvertAll(amplification, value => (float)value)).reshape(-1, 1, 1, 1);
        Tensor shown = ((change * factors) + 0.5).clamp(0, 1);
        byte[] changes = Bytes(Rounding.ToBytes(shown));
        byte[] pictures = Bytes(rounded);
        return
        [
            .. before.Select(
                (top, i) =>
                    new PhotoAttack(
                        attack.TextWithoutBudgets,
                        result.Norm.Name(),
                        result.Epsilon,
                        result.Attacked[i],
                        result.Succeeded[i],
                        IsOther(after[i], top),
                        IsOther(afterRounding[i], top),
                        largest[i],
                        length[i],
                        amplification[i],
                        after[i]
                    )
                    {
                        Change = Picture(changes, i),
                        Adversarial = Picture(pictures, i),
                    }
            ),
        ];
    }

    private static bool IsOther(ClassScore[] after, ClassScore[] before) =>
        after[0].Class != Predictions.None && after[0].Class != before[0].Class;

    private ClassScore[][] Top(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        using IDisposable? mode = Model.EnterEvaluation();
        Images images = Images.Of(pixels);
        if (Model is not IScorer scorer)
            return Array.ConvertAll(Model.Predict(images).ToArray<long>(), label => new[] { Score((int)label, null) });
        float[] probabilities = scorer.Probabilities(images).ToArray<float>();
        return [.. probabilities.Chunk(Model.Classes).Select(Top)];
    }

    private ClassScore[] Top(float[] probabilities) =>
        Array.Exists(probabilities, float.IsNaN)
            ? [new ClassScore((int)Predictions.None, "no finite scores", null)]
            :
            [
                .. Enumerable
                    .Range(0, probabilities.Length)
                    .OrderByDescending(label => probabilities[label])
                    .Take(MostLikely)
                    .Select(label => Score(label, probabilities[label])),
            ];

    private ClassScore Score(int label, double? probability) => new(label, NameOf(label), probability);

    // "tench, Tinca tinca" becomes tench.
    private string NameOf(int label) => Photos.ClassNames[label].Split(',')[0];

    private byte[] Picture(byte[] pixels, int i)
    {
        int size = Photos.Shape.Pixels;
        return pixels[(i * size)..((i + 1) * size)];
    }

    private static byte[] Bytes(Tensor images) => ((images * 255.0) + 0.5).to(ScalarType.Byte).ToArray<byte>();
}
