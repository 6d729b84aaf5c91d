using Parry.Data;
using Parry.Models;
using Parry.Models.Training;
using Parry.Options;

namespace Parry.Attacks.Poisoning;

/// <summary>
/// Label flipping: an attacker changes at most C labels of a training set, and no image, so that a classifier trained
/// on it misclassifies (for support vector machines Xiao, Xiao, Eckert, 2012, "Adversarial label flips attack on
/// support vector machines", ECAI). Flips are random, targeted from one class to another, or the worst for the budget
/// that this heuristic finds: a learner follows the majority of the labels around an image, so flips are not spread but
/// win majorities. Class by class, the smallest first, 60 % of a class, drawn at random, gets the label of the class
/// whose mean image is farthest. Where the budget does not cover a class, the same is done to that part of it that lies
/// farthest towards the other class along the line between the means. Deviation: no learner is trained to choose the
/// flips, where the paper alternates between a support vector machine and a linear program; in many classes a majority
/// costs a network more accuracy than the outliers that this alternation settles on.
/// </summary>
public sealed record LabelFlip
{
    private const double Majority = 0.6;

    /// <summary>Which labels are changed.</summary>
    [Option("kind", "which labels are changed")]
    public FlipKind Kind { get; init; }

    /// <summary>The budget C as a share of all labels, rounded down.</summary>
    [Option("share", "largest share of the labels that is changed", Max = 1)]
    public double Share { get; init; } = 0.1;

    /// <summary>The class whose labels a targeted flip changes.</summary>
    [Option("from", "class whose labels a targeted flip changes")]
    public int From { get; init; }

    /// <summary>The class that a targeted flip changes them to.</summary>
    [Option("to", "class that a targeted flip changes them to")]
    public int To { get; init; } = 1;

    /// <summary>The command-line name.</summary>
    public static string Name => "label-flip";

    /// <summary>What it does, in one line.</summary>
    public static string Summary => "changed labels in a training set, at random, from class to class, or the worst";

    /// <summary>Authors and year.</summary>
    public static string Paper => "Xiao, Xiao, Eckert, 2012, ECAI";

    /// <summary>The same images with changed labels.</summary>
    /// <param name="training">The training set with its true labels.</param>
    /// <param name="seed">Decides every random draw.</param>
    /// <exception cref="UserErrorException">The share is not one, or the set lacks the classes.</exception>
    public ImageSet Poison(ImageSet training, long seed)
    {
        int classes = training.ClassNames.Count;
        int budget = (int)(Share * training.Count);
        if (!(Share is >= 0 and <= 1))
            throw new UserErrorException($"the share of flipped labels must be a number from 0 to 1, not {Share}");
        if (classes < 2)
            throw new UserErrorException($"{training.Name} has one class: flipping labels takes at least two");
        if (Kind == FlipKind.Targeted && (From == To || From >= classes || To >= classes || From < 0 || To < 0))
            throw new UserErrorException(
                $"a targeted flip takes two different classes from 0 to {classes - 1}, got from={From}, to={To}"
            );
        int[] labels = training.Labels.ToArray();
        int[] order = ShuffledBatches.Permutation(training.Count, (ulong)seed, 0);
        switch (Kind)
        {
            case FlipKind.Random:
                var random = new SplitMix64((ulong)seed);
                foreach (int i in order.Take(budget))
                    labels[i] = (labels[i] + 1 + random.Next(classes - 1)) % classes;
                break;
            case FlipKind.Targeted:
                foreach (int i in order.Where(i => labels[i] == From).Take(budget))
                    labels[i] = To;
                break;
            default:
                WinMajorities(training, order, budget, labels);
                break;
        }

        return new ImageSet(training.Name, training.Shape, training.Pixels.ToArray(), labels, training.ClassNames);
    }

    /// <summary>
    /// Trains a classifier on the true and one on the changed labels, both by the same recipe, and tests them.
    /// </summary>
    /// <param name="training">The training set with its true labels.</param>
    /// <param name="test">Images with true labels; those of one class show what a targeted flip does to it.</param>
    /// <param name="recipe">How both are trained.</param>
    /// <param name="seed">Decides the flips.</param>
    /// <param name="cancellation">Stops between batches.</param>
    /// <exception cref="UserErrorException">The settings, the recipe and the images do not fit together.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public PoisoningEffect Measure(
        ImageSet training,
        ImageSet test,
        ClassifierTraining recipe,
        long seed,
        CancellationToken cancellation = default
    )
    {
        ImageSet poisoned = Poison(training, seed);
        int flipped = Enumerable.Range(0, training.Count).Count(i => training.Labels[i] != poisoned.Labels[i]);
        return new PoisoningEffect(flipped, Retrained(training), Retrained(poisoned));

        double Retrained(ImageSet images)
        {
            using var trainer = new ClassifierTrainer(recipe, images);
            trainer.Run(cancellation: cancellation);
            return Accuracy.Of(trainer.Classifier, test, cancellation);
        }
    }

    private static void WinMajorities(ImageSet training, int[] order, int budget, int[] labels)
    {
        int[][] members =
        [
            .. Enumerable
                .Range(0, training.ClassNames.Count)
                .Select(label => order.Where(i => labels[i] == label).ToArray()),
        ];
        double[][] means = Array.ConvertAll(members, member => Mean(training, member));
        int[] present =
        [
            .. Enumerable
                .Range(0, members.Length)
                .Where(label => members[label].Length > 0)
                .OrderBy(label => members[label].Length),
        ];
        foreach (int from in present.Where(_ => present.Length > 1))
        {
            int to = present.MaxBy(label => means[from].Zip(means[label], (a, b) => (a - b) * (a - b)).Sum());
            int[] part = members[from];
            if (Majority * part.Length > budget)
            {
                HashSet<int> near =
                [
                    .. part.OrderByDescending(i => Along(training.Image(i), means[from], means[to]))
                        .Take((int)(budget / Majority)),
                ];
                part = [.. part.Where(near.Contains)];
            }

            foreach (int i in part.Take(Math.Min(budget, (int)Math.Ceiling(Majority * part.Length))))
            {
                labels[i] = to;
                budget--;
            }
        }
    }

    private static double[] Mean(ImageSet set, int[] indices)
    {
        var sum = new double[set.Shape.Pixels];
        foreach (int i in indices)
        {
            ReadOnlySpan<byte> image = set.Image(i);
            for (int j = 0; j < sum.Length; j++)
                sum[j] += image[j];
        }

        return Array.ConvertAll(sum, value => value / Math.Max(1, indices.Length));
    }

    private static double Along(ReadOnlySpan<byte> image, double[] from, double[] to)
    {
        double sum = 0;
        for (int j = 0; j < image.Length; j++)
            sum += image[j] * (to[j] - from[j]);
        return sum;
    }
}
