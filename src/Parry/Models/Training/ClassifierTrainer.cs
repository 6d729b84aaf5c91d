using Parry.Data;
using Parry.Models.Architectures;
using Parry.Models.Files;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Models.Training;

/// <summary>
/// Trains a classifier. A batch is always split into the same pieces, whatever the number of workers.
/// </summary>
/// <remarks>
/// A network with batch normalization processes each batch as a whole, on one worker. Its running statistics are those
/// of the images it learns from; attacks on it in adversarial training use these statistics and leave them alone, since
/// it is attacked in evaluation mode later, and a batch's own statistics would let one image change another's gradient.
/// </remarks>
public sealed class ClassifierTrainer : EpochTrainer
{
    // A piece of 32 takes no more time per image than a larger one (its maps stay in the cache), and a batch of 128
    // keeps four cores busy.
    private const int PieceSize = 32;

    // Not the number of any piece.
    private const int BatchStream = -1;

    // Of the draws of an image; losses use others.
    private const int AugmentationStream = -1;

    private readonly ClassifierTraining _options;
    private readonly ImageSet _images;
    private readonly ImageSet? _validation;
    private readonly ShuffledOrder _order;
    private readonly Learner _learner;
    private readonly bool _whole;

    /// <summary>Creates a network with fresh weights.</summary>
    /// <param name="options">The recipe.</param>
    /// <param name="images">The training images.</param>
    /// <param name="validation">Images on which accuracy is measured after each epoch; null for none.</param>
    /// <exception cref="UserErrorException">An option is out of range, or the architecture does not exist or fit the
    /// images.</exception>
    public ClassifierTrainer(ClassifierTraining options, ImageSet images, ImageSet? validation = null)
        : this(options, images, validation, Batches(options, images)) { }

    private ClassifierTrainer(
        ClassifierTraining options,
        ImageSet images,
        ImageSet? validation,
        ShuffledBatches batches
    )
        : base(options.Epochs, batches.BatchesPerEpoch)
    {
        _options = options with { Architecture = Classifiers.FullName(options.Architecture) };
        (_images, _validation) = (images, validation);
        _order = new ShuffledOrder(batches);
        using var random = Devices.Generator(options.Seed);
        Classifier = new NetworkClassifier(Make(random), images.Shape, images.ClassNames.Count);
        _whole = Classifier.Network.Buffers().Any();
        int pieces = Pieces(Math.Min(options.BatchSize, images.Count));
        _learner = new Learner(
            "network",
            Classifier.Network,
            options.Optimizer,
            Enumerable.Range(0, pieces).Select(_ => Make(random))
        )
        {
            WeightPerturbation = options.WeightPerturbation,
        };
    }

    /// <summary>The classifier as trained so far, in evaluation mode.</summary>
    public NetworkClassifier Classifier { get; }

    /// <inheritdoc/>
    protected override string Recipe => $"{_options}, {_images.Count} images {_images.Shape} of {_images.Name}";

    /// <inheritdoc/>
    protected override IReadOnlyList<Learner> Learners => [_learner];

    /// <summary>The description of this training for a weight file.</summary>
    /// <param name="data">The data set's name.</param>
    /// <param name="command">The command that reproduces the file.</param>
    /// <param name="testAccuracy">The test accuracy of the classifier as it is now; null if not measured.</param>
    public ModelDescription Describe(string data, string command, double? testAccuracy = null) =>
        new()
        {
            Architecture = _options.Architecture,
            Data = data,
            Shape = Classifier.Shape,
            ClassNames = _images.ClassNames,
            Dropout = _options.Dropout,
            Training = _options.Description,
            TestAccuracy = testAccuracy,
            Seed = _options.Seed,
            Command = command,
        };

    /// <inheritdoc/>
    protected override BatchLoss Train(int iteration, int epoch)
    {
        int[] batch = _order[iteration];
        int count = Pieces(batch.Length);
        TrainingPiece[] pieces = Workers.Shared.Map(
            count,
            i => PieceOf(batch[(batch.Length * i / count)..(batch.Length * (i + 1) / count)], iteration, epoch)
        );
        _learner.SetLearningRate(_options.RateAt(epoch, iteration / Math.Max(1.0, Iterations - 1)));
        BatchLoss step = _learner.Minimize(
            count,
            batch.Length,
            (replica, i) =>
            {
                using var random = Devices.Generator(SeedOf(iteration, i));
                replica.Train(random);
                var (loss, logits) = _options.Loss.Of(replica, pieces[i]);
                return (loss, logits.argmax(1).eq(pieces[i].Labels).sum());
            }
        );
        foreach (TrainingPiece piece in pieces)
            piece.Dispose();
        return step;
    }

    /// <inheritdoc/>
    protected override double? Validate() => _validation is null ? null : Accuracy.Of(Classifier, _validation);

    // Augmented and attacked.
    private TrainingPiece PieceOf(int[] rows, int iteration, int epoch)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var (images, labels) = _images.Batch(rows);
        var draws = new SampleRandom(_options.Seed, Array.ConvertAll(rows, row => (long)row)).Fork(epoch);
        if (_options.Mirror)
            images = Augmentation.Mirrored(images, draws.Fork(AugmentationStream));
        if (_options.Crop > 0)
            images = Augmentation.Cropped(images, _options.Crop, draws.Fork(AugmentationStream));
        var piece = new TrainingPiece
        {
            Classifier = Classifier,
            Images = images,
            Labels = labels,
            Random = draws,
            BatchSeed = SeedOf(iteration, BatchStream),
            Epoch = iteration / (double)BatchesPerEpoch,
            Step = 1.0 / BatchesPerEpoch,
        };
        piece = piece with { Attacked = _options.Loss.Attacked(piece) };
        scope.MoveAllToOuter((Tensor[])[piece.Images, piece.Attacked, piece.Labels]);
        return piece;
    }

    private nn.Module<Tensor, Tensor> Make(Generator random) =>
        Classifiers.Create(_options.Architecture, _images.Shape, _images.ClassNames.Count, random, _options.Dropout);

    private long SeedOf(long step, int piece)
    {
        ulong stream = new SplitMix64((ulong)_options.Seed).Next() + (ulong)step;
        return (long)new SplitMix64(new SplitMix64(stream).Next() + (ulong)piece).Next();
    }

    // The workers share the pieces; a GPU has one.
    private int Pieces(int images) => _whole || Devices.IsGpu ? 1 : (images + PieceSize - 1) / PieceSize;

    private static ShuffledBatches Batches(ClassifierTraining options, ImageSet images)
    {
        options.Check(images.Count);
        return new ShuffledBatches(images.Count, options.BatchSize, (ulong)options.Seed);
    }
}
