using System.Globalization;
using Parry.Data;
using Parry.Models.Architectures;
using Parry.Models.Files;
using Parry.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Parry.Models;

/// <summary>
/// Trains a classifier. All randomness of a batch follows from the seed, the epoch and the batch's number, and a batch
/// is always cut into the same pieces, however many workers take them: a run continued from a checkpoint gives the
/// weights that an unbroken run gives, bit for bit.
/// </summary>
/// <remarks>
/// Pieces do not see each other, so layers must treat images alone: batch normalization would not be what it says.
/// </remarks>
public sealed class ClassifierTrainer : IDisposable
{
    // A piece of 32 takes no more time per image than a larger one (its maps stay in the cache), and a batch of 128
    // keeps four cores busy.
    private const int PieceSize = 32;

    // No piece has this number.
    private const int BatchStream = -1;

    private readonly Training _options;
    private readonly ImageSet _images;
    private readonly ImageSet? _validation;
    private readonly ShuffledBatches _batches;
    private readonly optim.Optimizer _adam;
    private readonly Tensor[] _weights;
    private readonly nn.Module<Tensor, Tensor>[] _replicas;

    /// <summary>Creates a network with fresh weights.</summary>
    /// <param name="options">The recipe.</param>
    /// <param name="images">The training images.</param>
    /// <param name="validation">Images whose accuracy is reported after each epoch, or null.</param>
    /// <exception cref="UserErrorException">An option is out of range, or the architecture does not exist or fit the
    /// images.</exception>
    public ClassifierTrainer(Training options, ImageSet images, ImageSet? validation = null)
    {
        _options = options with { Architecture = Classifiers.FullName(options.Architecture) };
        Check(options, images);
        _images = images;
        _validation = validation;
        _batches = new ShuffledBatches(images.Count, options.BatchSize, (ulong)options.Seed);
        using var random = Devices.Generator(options.Seed);
        Classifier = new NetworkClassifier(Make(random), images.Shape, images.ClassNames.Count);
        _weights = Parameters(Classifier.Network);
        _adam = Optimizers.Adam(_weights, options.LearningRate);
        _replicas =
        [
            .. Enumerable.Range(0, Pieces(Math.Min(options.BatchSize, images.Count))).Select(_ => Make(random)),
        ];
        foreach (nn.Module<Tensor, Tensor> replica in _replicas)
            replica.RequireGrad();
    }

    /// <summary>The classifier as trained so far, in evaluation mode.</summary>
    public NetworkClassifier Classifier { get; }

    /// <summary>Epochs done so far.</summary>
    public int Epoch { get; private set; }

    /// <summary>Trains until all epochs are done, with a checkpoint after each.</summary>
    /// <param name="checkpoint">The file that is written after each epoch, whole or not at all; null for none.</param>
    /// <param name="progress">Told after each batch.</param>
    /// <param name="cancellation">Stops between batches; what came after the last checkpoint is lost.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="TrainingDivergedException">The loss is no number any more; the checkpoint is the one of the
    /// last epoch.</exception>
    public void Run(
        string? checkpoint = null,
        Action<TrainingProgress>? progress = null,
        CancellationToken cancellation = default
    )
    {
        while (Epoch < _options.Epochs)
        {
            RunEpoch(progress, cancellation);
            if (checkpoint is not null)
                AtomicFile.Write(checkpoint, Save);
        }
    }

    /// <summary>Trains on every image once.</summary>
    /// <param name="progress">Told after each batch.</param>
    /// <param name="cancellation">Stops between batches, with the epoch half done: continue from a checkpoint then, not
    /// with this object.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="TrainingDivergedException">The loss is no number any more.</exception>
    public void RunEpoch(Action<TrainingProgress>? progress = null, CancellationToken cancellation = default)
    {
        double loss = 0,
            right = 0,
            seen = 0;
        int number = 0;
        foreach (int[] batch in _batches.Epoch(Epoch))
        {
            cancellation.ThrowIfCancellationRequested();
            Piece[] pieces = RunBatch(batch, ((long)Epoch * _batches.BatchesPerEpoch) + number++);
            loss += pieces.Sum(piece => piece.Loss);
            right += pieces.Sum(piece => piece.Right);
            seen += batch.Length;
            bool last = number == _batches.BatchesPerEpoch;
            double? validated =
                last && _validation is not null ? Accuracy.Of(Classifier, _validation, cancellation) : null;
            progress?.Invoke(new(Epoch + 1, number, _batches.BatchesPerEpoch, loss / seen, right / seen, validated));
        }

        if (!_weights.All(IsFinite))
            throw new TrainingDivergedException(Epoch, "its last batch gave weights that are no numbers");
        Epoch++;
    }

    /// <summary>Everything a run needs to go on, as one safetensors file.</summary>
    public void Save(Stream stream)
    {
        var tensors = Classifier
            .Network.State()
            .Select(entry => KeyValuePair.Create("network." + entry.Key, entry.Value))
            .Concat(_adam.State().Select(entry => KeyValuePair.Create("adam." + entry.Key, entry.Value)));
        SafeTensors.Write(
            stream,
            tensors,
            new Dictionary<string, string>
            {
                ["epoch"] = Epoch.ToString(CultureInfo.InvariantCulture),
                ["recipe"] = Recipe,
            }
        );
    }

    /// <summary>Goes on from what <see cref="Save"/> wrote.</summary>
    /// <exception cref="UserErrorException">There is no such file, it is damaged, or it was made with other options or
    /// images.</exception>
    public void Resume(string checkpoint)
    {
        try
        {
            using SafeTensorsFile file = SafeTensors.Read(checkpoint);
            string recipe = file.Metadata.GetValueOrDefault("recipe", "something else");
            if (recipe != Recipe)
                throw new UserErrorException(
                    $"the checkpoint '{checkpoint}' was made with {recipe}, not with {Recipe}: give the same "
                        + $"options, or start anew"
                );
            if (
                !int.TryParse(
                    file.Metadata.GetValueOrDefault("epoch"),
                    NumberStyles.None,
                    CultureInfo.InvariantCulture,
                    out int epoch
                )
                || epoch > _options.Epochs
            )
                throw new InvalidDataException("It does not say how many epochs are done.");
            Classifier.Network.LoadState(file.Under("network."));
            _adam.Restore(file.Under("adam."));
            Epoch = epoch;
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            throw new UserErrorException(
                $"cannot resume from '{checkpoint}': {e.Message} Start anew, or give another checkpoint.",
                e
            );
        }
    }

    /// <summary>What a weight file should say of this training.</summary>
    /// <param name="data">The data set's name.</param>
    /// <param name="command">The command that makes the file again.</param>
    /// <param name="testAccuracy">Of the classifier as it is now, if measured.</param>
    public ModelDescription Describe(string data, string command, double? testAccuracy = null) =>
        new()
        {
            Architecture = _options.Architecture,
            Data = data,
            Shape = Classifier.Shape,
            ClassNames = _images.ClassNames,
            Dropout = _options.Dropout,
            Training = _options.Loss.Description,
            TestAccuracy = testAccuracy,
            Seed = _options.Seed,
            Command = command,
        };

    /// <summary>Frees the network and the optimizer.</summary>
    public void Dispose()
    {
        Classifier.Dispose();
        _adam.Dispose();
        foreach (nn.Module<Tensor, Tensor> replica in _replicas)
            replica.Dispose();
    }

    private string Recipe =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{_options.Architecture}, {_options.Epochs} epochs of batches of {_options.BatchSize}, learning rate "
                + $"{_options.LearningRate} to {_options.FinalLearningRate ?? _options.LearningRate}, "
                + $"{(_options.Loss.Description is { } loss ? loss + ", " : "")}{(_options.Mirror ? "mirrored, " : "")}dropout read as {_options.Dropout}, seed {_options.Seed}, {_images.Count} images {_images.Shape} of {_images.Name}"
        );

    private Piece[] RunBatch(int[] batch, long step)
    {
        int count = Pieces(batch.Length);
        Piece[] pieces = Workers.Shared.Map(
            count,
            i =>
                RunPiece(
                    _replicas[i],
                    batch.AsSpan()[(batch.Length * i / count)..(batch.Length * (i + 1) / count)],
                    batch.Length,
                    step,
                    i
                )
        );
        double loss = pieces.Sum(piece => piece.Loss) / batch.Length;
        if (!double.IsFinite(loss))
        {
            foreach (Tensor gradient in pieces.SelectMany(piece => piece.Gradients))
                gradient.Dispose();
            throw new TrainingDivergedException(
                Epoch,
                string.Create(CultureInfo.InvariantCulture, $"the mean loss of a batch is {loss}")
            );
        }

        double done = step / Math.Max(1.0, ((long)_options.Epochs * _batches.BatchesPerEpoch) - 1);
        _adam.SetLearningRate(
            _options.LearningRate
                + (done * ((_options.FinalLearningRate ?? _options.LearningRate) - _options.LearningRate))
        );

        // On a worker, where LibTorch's own threads are off: they cost more than they bring here.
        Workers.Shared.Run(
            1,
            _ =>
            {
                using var scope = NewDisposeScope();
                Tensor[] sum = pieces[0].Gradients;
                foreach (Piece piece in pieces.Skip(1))
                {
                    for (int i = 0; i < sum.Length; i++)
                        sum[i].add_(piece.Gradients[i]);
                }

                _adam.Step(sum);
            }
        );
        foreach (Tensor gradient in pieces.SelectMany(piece => piece.Gradients))
            gradient.Dispose();
        return pieces;
    }

    private Piece RunPiece(
        nn.Module<Tensor, Tensor> replica,
        ReadOnlySpan<int> indices,
        int batchSize,
        long step,
        int number
    )
    {
        using var scope = NewDisposeScope();
        Tensor[] parameters = Parameters(replica);
        using (no_grad())
        {
            for (int i = 0; i < parameters.Length; i++)
                parameters[i].copy_(_weights[i]);
        }

        using var follow = enable_grad();
        using var random = Devices.Generator(SeedOf(step, number));
        replica.Train(random);
        var (images, labels) = _images.Batch(indices);
        if (_options.Mirror)
            images = Mirrored(images, random);
        var (loss, logits) = _options.Loss.Of(
            new TrainingPiece
            {
                Network = replica,
                Classifier = Classifier,
                Images = images,
                Labels = labels,
                Random = new SampleRandom(
                    _options.Seed,
                    Array.ConvertAll(indices.ToArray(), index => (long)index)
                ).Fork(Epoch),
                BatchSeed = SeedOf(step, BatchStream),
                Epoch = step / (double)_batches.BatchesPerEpoch,
            }
        );
        Tensor[] gradients = Array.ConvertAll(
            Autograd.Grad([loss.div((double)batchSize)], parameters),
            gradient => gradient!
        );
        return new Piece(
            scope.MoveAllToOuter(gradients),
            loss.ToDouble(),
            logits.argmax(1).eq(labels).sum().ToDouble()
        );
    }

    private nn.Module<Tensor, Tensor> Make(Generator random) =>
        Classifiers.Create(_options.Architecture, _images.Shape, _images.ClassNames.Count, random, _options.Dropout);

    private long SeedOf(long step, int piece)
    {
        ulong stream = new SplitMix64((ulong)_options.Seed).Next() + (ulong)step;
        return (long)new SplitMix64(new SplitMix64(stream).Next() + (ulong)piece).Next();
    }

    private static Tensor Mirrored(Tensor images, Generator random)
    {
        long width = images.size(3);
        Tensor backwards = tensor(Enumerable.Range(1, (int)width).Select(i => width - i).ToArray());
        return where(
            rand([images.size(0), 1, 1, 1], generator: random).lt(0.5),
            images.index_select(3, backwards),
            images
        );
    }

    private static bool IsFinite(Tensor weight)
    {
        using var scope = NewDisposeScope();
        return weight.isfinite().all().ToDouble() != 0;
    }

    private static int Pieces(int images) => (images + PieceSize - 1) / PieceSize;

    private static Tensor[] Parameters(nn.Module<Tensor, Tensor> network) =>
        [.. network.Parameters().Select(parameter => parameter.Value)];

    private static void Check(Training options, ImageSet images)
    {
        if (options.Epochs < 1)
            throw new UserErrorException($"expected at least 1 epoch, got {options.Epochs}");
        if (options.BatchSize < 1)
            throw new UserErrorException($"expected at least 1 image a batch, got {options.BatchSize}");
        if (
            !(
                options.LearningRate > 0
                && options.LearningRate < double.PositiveInfinity
                && options.FinalLearningRate is null or (>= 0 and < double.PositiveInfinity)
            )
        )
            throw new UserErrorException(
                $"expected learning rates above 0, got {options.LearningRate} to "
                    + $"{options.FinalLearningRate ?? options.LearningRate}"
            );
        if (images.Count < 1)
            throw new UserErrorException($"expected images to train on, {images.Name} has none");
    }

    private sealed record Piece(Tensor[] Gradients, double Loss, double Right);
}
