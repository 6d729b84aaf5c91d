using Parry.Attacks.Poisoning;
using Parry.Data;
using Parry.Models;
using Parry.Models.Training;

namespace Parry.Cli.Attacking;

/// <summary>Trains one classifier on the true labels and one on the labels of each flip, and compares them.</summary>
/// <param name="recipe">How both are trained.</param>
/// <param name="training">The training images with their true labels.</param>
/// <param name="test">The images on which they are compared.</param>
/// <param name="line">Shows the progress.</param>
internal sealed class LabelFlipRun(ClassifierTraining recipe, ImageSet training, ImageSet test, ProgressLine line)
{
    /// <summary>Runs all flips.</summary>
    /// <param name="flips">The flips, each with its kind as the command line spells it.</param>
    /// <param name="cancellation">Stops the training.</param>
    /// <exception cref="UserErrorException">A flip names a class that the images do not have.</exception>
    public IReadOnlyList<LabelFlipRow> Run(
        IReadOnlyList<(string Kind, LabelFlip Flip)> flips,
        CancellationToken cancellation
    )
    {
        // Unknown classes are refused before any training.
        foreach (var (_, flip) in flips)
            flip.Poison(training.Take(1), recipe.Seed);

        int trainings = flips.Count + 1;
        using ClassifierTrainer clean = Train(training, $"training 1 of {trainings}", cancellation);
        double cleanAccuracy = Accuracy.Of(clean.Classifier, test, cancellation);
        var rows = new List<LabelFlipRow>();
        foreach (var (kind, flip) in flips)
        {
            ImageSet poisoned = flip.Poison(training, recipe.Seed);
            using ClassifierTrainer victim = Train(poisoned, $"training {rows.Count + 2} of {trainings}", cancellation);
            ImageSet? attacked = flip.Kind == FlipKind.Targeted ? OfClass(flip.From) : null;
            rows.Add(
                new LabelFlipRow(
                    kind,
                    flip.Share,
                    attacked is null ? null : flip.From,
                    attacked is null ? null : flip.To,
                    Enumerable.Range(0, training.Count).Count(i => training.Labels[i] != poisoned.Labels[i]),
                    cleanAccuracy,
                    Accuracy.Of(victim.Classifier, test, cancellation),
                    AccuracyOn(attacked, clean),
                    AccuracyOn(attacked, victim)
                )
            );
        }

        return rows;

        double? AccuracyOn(ImageSet? images, ClassifierTrainer trainer) =>
            images is { Count: > 0 } ? Accuracy.Of(trainer.Classifier, images, cancellation) : null;
    }

    private ClassifierTrainer Train(ImageSet images, string work, CancellationToken cancellation)
    {
        var trainer = new ClassifierTrainer(recipe, images);
        try
        {
            trainer.Run(
                progress: now =>
                    line.Show(() => $"{work}: epoch {now.Epoch} of {recipe.Epochs}, loss {now.Loss:0.000}"),
                cancellation: cancellation
            );
            return trainer;
        }
        catch
        {
            trainer.Dispose();
            throw;
        }
    }

    private ImageSet OfClass(int label) =>
        test.Select([.. Enumerable.Range(0, test.Count).Where(i => test.Labels[i] == label)]);
}
