using Parry.Attacks;
using Parry.Catalogs;
using Parry.Data;
using Parry.Models;
using Parry.Reports;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Cli.Attacking;

/// <summary>Attacks single photos and says what the model made of them before and after.</summary>
internal sealed class PhotoRun
{
    private const int Likeliest = 5;

    /// <summary>The model.</summary>
    public required IPredictor Model { get; init; }

    /// <summary>The photos; their labels hold only if <see cref="Labeled"/>.</summary>
    public required ImageSet Photos { get; init; }

    /// <summary>Their files.</summary>
    public required IReadOnlyList<string> Files { get; init; }

    /// <summary>Whether the classes were given; else attacks lead away from the model's own answers.</summary>
    public required bool Labeled { get; init; }

    /// <summary>Decides every random draw.</summary>
    public required long Seed { get; init; }

    /// <summary>The most passes for each photo.</summary>
    public required AttackLimits? Limits { get; init; }

    /// <summary>Runs all attacks at all their budgets.</summary>
    public PhotoReport Run(
        string model,
        IReadOnlyList<AttackSpec> attacks,
        Func<AttackSpec, IProgress<double>> progress,
        CancellationToken cancellation
    )
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor images = Photos.ImageTensor();
        ClassScore[][] before = Top(images);
        Tensor labels = Labeled ? Photos.LabelTensor() : tensor(Array.ConvertAll(before, top => (long)top[0].Class));
        var tried = before.Select(_ => new List<PhotoAttack>()).ToArray();
        foreach (AttackSpec attack in attacks)
        {
            Goal goal = attack.GoalFor(Model, images, labels, Seed);
            var run = new Attacks.AttackRun(images, goal, Seed)
            {
                Limits = Limits,
                Progress = progress(attack),
                Cancellation = cancellation,
            };
            foreach (AttackResult result in attack.Run(Model, run))
            {
                using (result)
                    Add(tried, attack, result, images, before);
            }
        }

        long[] truth = labels.ToArray<long>();
        AttackedPhoto[] photos =
        [
            .. before.Select(
                (top, i) =>
                    new AttackedPhoto(Files[i], (int)truth[i], NameOf((int)truth[i]), Labeled, top, tried[i])
                    {
                        Pixels = Photos.Image(i).ToArray(),
                        Shape = Photos.Shape,
                    }
            ),
        ];
        ChangedAnswers[] changed =
        [
            .. tried[0]
                .Select(
                    (row, k) =>
                        new ChangedAnswers(
                            row.Attack,
                            row.Norm,
                            row.Epsilon,
                            tried.Count(list => list[k].Changed),
                            tried.Count(list => list[k].Attacked)
                        )
                ),
        ];
        return new PhotoReport(model, photos, changed) { Note = Photos.Note };
    }

    // What the attack tried counts, also where it failed: that is what the strip shows.
    private void Add(
        List<PhotoAttack>[] tried,
        AttackSpec attack,
        AttackResult result,
        Tensor images,
        ClassScore[][] before
    )
    {
        using var scope = NewDisposeScope();
        Tensor rounded = Rounding.ToBytes(result.Attempts),
            change = result.Attempts.sub(images);
        ClassScore[][] after = Top(result.Attempts),
            written = Top(rounded);
        float[] largest = change.abs().amax([1, 2, 3]).ToArray<float>(),
            length = change.mul(change).sum([1, 2, 3]).sqrt().ToArray<float>();
        double[] amplification = Array.ConvertAll(largest, value => 0.5 / Math.Max(value, 1 / 255.0));
        Tensor shown = change
            .mul(tensor(Array.ConvertAll(amplification, value => (float)value), [amplification.Length, 1, 1, 1]))
            .add(0.5)
            .clamp(0.0, 1.0);
        byte[] changes = Bytes(Rounding.ToBytes(shown)),
            pictures = Bytes(rounded);
        int size = Photos.Shape.Pixels;
        for (int i = 0; i < before.Length; i++)
        {
            int answer = before[i][0].Class;
            tried[i]
                .Add(
                    new PhotoAttack(
                        attack.TextWithoutBudgets,
                        result.Norm.Name(),
                        result.Epsilon,
                        result.Attacked[i],
                        result.Succeeded[i],
                        after[i][0].Class != answer,
                        written[i][0].Class != answer,
                        largest[i],
                        length[i],
                        amplification[i],
                        after[i]
                    )
                    {
                        Change = changes[(i * size)..((i + 1) * size)],
                        Adversarial = pictures[(i * size)..((i + 1) * size)],
                    }
                );
        }
    }

    private ClassScore[][] Top(Tensor images)
    {
        using var scope = NewDisposeScope();
        using IDisposable? mode = Model.EnterEvaluation();
        if (Model is not IScorer scorer)
            return Array.ConvertAll(
                Model.Predict(Parry.Models.Images.Of(images)).ToArray<long>(),
                label => new[] { new ClassScore((int)label, NameOf((int)label), null) }
            );
        float[] probabilities = scorer.Probabilities(Parry.Models.Images.Of(images)).ToArray<float>();
        return
        [
            .. Enumerable
                .Range(0, (int)images.size(0))
                .Select(row =>
                    Enumerable
                        .Range(0, Model.Classes)
                        .OrderByDescending(label => probabilities[(row * Model.Classes) + label])
                        .Take(Likeliest)
                        .Select(label => new ClassScore(
                            label,
                            NameOf(label),
                            probabilities[(row * Model.Classes) + label]
                        ))
                        .ToArray()
                ),
        ];
    }

    // "tench, Tinca tinca" is tench.
    private string NameOf(int label) => Photos.ClassNames[label].Split(',')[0];

    private static byte[] Bytes(Tensor images) => images.mul(255.0).add(0.5).to(ScalarType.Byte).ToArray<byte>();
}
