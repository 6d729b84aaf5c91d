using Parry.Attacks.Building;
using Parry.Models;
using Parry.Models.Architectures;
using Parry.Models.Training;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.Physical;

/// <summary>
/// The adversarial patch (Brown, Mané, Roy, Abadi, Gilmer, 2017, 1712.09665): one round sticker that fools a model on
/// every image, wherever it lies. Its training raises, by Adam, the mean log probability of the wanted class, or,
/// untargeted, of all classes but the true one, over images and over random places, turns and sizes of the patch
/// (expectation over transformation); an attack then puts it on each image at random in the same way, and asks the
/// model nothing. A targeted run has a patch for every class that is wanted. L0, bounded by the largest area. Turns are
/// those of the authors' code, 22.5 degrees to either side; sizes differ by a factor of two in area. Deviation: patches
/// are smaller than the paper's ImageNet ones, 5 % to 10 % of the image, and lie inside it as a whole.
/// </summary>
public sealed record AdversarialPatch : ITrainedAttack<IClassifier>
{
    private const int PieceSize = 32;

    /// <inheritdoc/>
    public string Name => "patch";

    /// <inheritdoc/>
    public Norm Norm => Norm.L0;

    /// <inheritdoc/>
    public bool IsTrained => Patch is not null;

    /// <summary>
    /// The patch, a picture [1, C, S, S] in [0, 1] of which the disk inside counts, or one for each class that is
    /// wanted, [classes, C, S, S]; null until it is trained.
    /// </summary>
    public Tensor? Patch { get; init; }

    /// <summary>The smallest patch, as a share of the image's pixels.</summary>
    [Option("min-area", "smallest patch, as a share of the pixels")]
    public double SmallestArea { get; init; } = 0.05;

    /// <summary>The largest patch, as a share of the image's pixels.</summary>
    [Option("area", "largest patch, as a share of the pixels")]
    public double LargestArea { get; init; } = 0.1;

    /// <summary>The largest turn to either side, in degrees.</summary>
    [Option("rotation", "largest turn of the patch, in degrees")]
    public double Rotation { get; init; } = 22.5;

    /// <inheritdoc/>
    [Option("images", "images it learns from", Min = 1)]
    public int TrainingImages { get; init; } = 2000;

    /// <summary>The number of training steps.</summary>
    [Option("steps", "steps of its training", Min = 1)]
    public int Steps { get; init; } = 500;

    /// <summary>The number of images in a training step.</summary>
    [Option("batch", "images in a step of its training", Min = 1)]
    public int BatchSize { get; init; } = 128;

    /// <summary>Adam's learning rate, in values of the patch.</summary>
    [Option("lr", "Adam's learning rate")]
    public double LearningRate { get; init; } = 0.05;

    /// <inheritdoc/>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public ITrainedAttack<IClassifier> Train(
        IClassifier model,
        Batch data,
        IReadOnlyList<double> epsilons,
        IProgress<double>? progress = null,
        CancellationToken cancellation = default
    )
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        long side = (long)Math.Ceiling(2 * Radius(LargestArea, data.Images));
        Tensor patches = full([data.Goal.IsTargeted ? model.Classes : 1, data.Images.size(1), side, side], 0.5);
        long[] wanted = WantedClasses.Of(data.Goal);
        for (int i = 0; i < wanted.Length; i++)
        {
            using var inner = NewDisposeScope();
            Tensor patch = patches.slice(0, wanted[i], wanted[i] + 1, 1);
            var share = new PartOfProgress(progress, i, wanted.Length);
            Learn(model, data.Wanting(wanted[i]), patch, share, cancellation);
        }

        return this with
        {
            Patch = patches.DetachFromDisposeScope(),
        };
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, Tensor>? Learned =>
        Patch is null ? null : new Dictionary<string, Tensor> { [nameof(Patch)] = Patch };

    /// <inheritdoc/>
    public ITrainedAttack<IClassifier> WithLearned(IPredictor model, IReadOnlyDictionary<string, Tensor> learned) =>
        this with
        {
            Patch = learned.Copy(nameof(Patch)),
        };

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">It has not been trained.</exception>
    public Tensor Perturb(IClassifier model, Batch batch)
    {
        Goal goal = batch.Goal;
        Tensor patch =
            Patch ?? throw new InvalidOperationException("The adversarial patch has no patch yet: call Train first.");
        if (goal.IsTargeted && patch.size(0) != model.Classes)
            throw new InvalidOperationException(
                "The adversarial patch was trained for no class: train it with the goal that it is to reach."
            );
        using var scope = NewDisposeScope();
        Tensor placed = goal.IsTargeted ? patch.index_select(0, goal.Labels) : patch.slice(0, 0, 1, 1);
        return scope.MoveToOuter(Place(placed, batch.Images, batch.Random, draw: 0));
    }

    /// <inheritdoc/>
    public void Dispose() => Patch?.Dispose();

    // Changes the patch in place.
    private void Learn(
        IClassifier model,
        Batch batch,
        Tensor patch,
        PartOfProgress progress,
        CancellationToken cancellation
    )
    {
        using var adam = Optimizers.Adam([patch], LearningRate);
        for (int step = 0; step < Steps; step++)
        {
            // The images in turn; a piece always has the same rows, however many workers take them.
            long[] rows =
            [
                .. Enumerable
                    .Range(0, Math.Min(BatchSize, batch.Count))
                    .Select(i => (((long)step * BatchSize) + i) % batch.Count),
            ];
            Tensor[] gradients = Workers.Shared.MapRows(
                rows.Length,
                PieceSize,
                (from, to) => Gradient(model, batch, rows[from..to], patch, step),
                cancellation
            );
            using (NewDisposeScope())
                adam.Step(-stack(gradients).sum(dim: 0) / rows.Length);
            foreach (Tensor gradient in gradients)
                gradient.Dispose();
            patch.clamp_(0.0, 1.0);
            progress.Report((step + 1.0) / Steps);
        }
    }

    private Tensor Gradient(IClassifier model, Batch all, long[] rows, Tensor patch, int step)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Batch batch = all.Select(rows);
        LossGradient pass = model.GradientThrough(
            batch.With(batch.Images),
            patch,
            sticker => Place(sticker, batch.Images, batch.Random, step),
            AttackLoss.LogLikelihood(batch.Goal)
        );
        return scope.MoveToOuter(pass.Gradient);
    }

    // A(p, x, l, t): the patch on each image, its size, turn and place drawn.
    private Tensor Place(Tensor patch, Tensor images, SampleRandom random, int draw)
    {
        long count = images.size(0);
        long height = images.size(2);
        long width = images.size(3);
        long side = patch.size(2);
        double least = Radius(SmallestArea, images);
        double most = Radius(LargestArea, images);
        Placement[] placements =
        [
            .. random
                .Uniform(draw, 4)
                .ToArray<float>()
                .Chunk(4)
                .Select(u =>
                {
                    double radius = least + (u[0] * (most - least));
                    return new Placement(
                        ((2 * u[1]) - 1) * Rotation * Math.PI / 180,
                        2 * radius / side,
                        ((2 * u[2]) - 1) * ((width / 2.0) - radius),
                        ((2 * u[3]) - 1) * ((height / 2.0) - radius)
                    );
                }),
        ];
        Tensor points = Placement.Points(placements, height, width, side, side);
        Tensor disk = ((points * points).sum(3) <= 1).unsqueeze(1);
        Tensor turned = nn.functional.grid_sample(
            patch.expand(count, -1, -1, -1),
            points,
            GridSampleMode.Bilinear,
            GridSamplePaddingMode.Border,
            false
        );
        return where(disk, turned, images);
    }

    // Of the disk of that share of an image, in pixels; at most the largest that fits, at least one pixel's.
    private static double Radius(double area, Tensor images) =>
        Math.Clamp(
            Math.Sqrt(area * images.size(2) * images.size(3) / Math.PI),
            0.75,
            Math.Min(images.size(2), images.size(3)) / 2.0
        );
}
