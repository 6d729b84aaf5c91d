using System.Globalization;
using Parry.Data;
using Parry.Models;
using Parry.Models.Architectures;
using Parry.Models.Files;
using Parry.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Parry.Generative.AutoEncoders;

/// <summary>
/// Trains a network by the gradient of a loss that belongs to images one by one. All randomness of a step follows from
/// the seed and the step's number, and a batch is always cut into the same pieces, however many workers take them: a
/// run continued from a checkpoint gives the weights that an unbroken run gives, bit for bit. It may go on for more
/// epochs than were asked for at first, unless its step size falls.
/// </summary>
/// <remarks>A network with running statistics (batch normalization) sees each batch whole, on one worker.</remarks>
public sealed class AutoEncoderTrainer<TNetwork> : IDisposable
    where TNetwork : nn.Module<Tensor, Tensor>
{
    private const int PieceSize = 64;

    private readonly AutoEncoderTraining _options;
    private readonly string _recipe;
    private readonly Func<TNetwork, TrainingRows, Tensor> _loss;
    private readonly ShuffledBatches _batches;
    private readonly Tensor[] _weights;
    private readonly optim.Optimizer _adam;
    private readonly bool _whole;

    /// <summary>Prepares a training.</summary>
    /// <param name="options">How long and how fast.</param>
    /// <param name="recipe">Everything else that decides the result, in words: a checkpoint of another recipe is
    /// refused.</param>
    /// <param name="network">The network with its first weights; this object owns it.</param>
    /// <param name="count">How many images there are to train on.</param>
    /// <param name="loss">From the network and some rows to the sum of their losses, followed by autograd.</param>
    /// <exception cref="UserErrorException">An option is out of range, or there are no images.</exception>
    public AutoEncoderTrainer(
        AutoEncoderTraining options,
        string recipe,
        TNetwork network,
        int count,
        Func<TNetwork, TrainingRows, Tensor> loss
    )
    {
        if (options.Epochs < 1)
            throw new UserErrorException($"expected at least 1 epoch, got {options.Epochs}");
        if (options.BatchSize < 1)
            throw new UserErrorException($"expected at least 1 image a batch, got {options.BatchSize}");
        if (!(options.LearningRate > 0 && double.IsFinite(options.LearningRate)))
            throw new UserErrorException($"expected a learning rate above 0, got {options.LearningRate}");
        if (options.FinalLearningRate is { } final && !(final >= 0 && double.IsFinite(final)))
            throw new UserErrorException($"expected a final learning rate from 0 on, got {final}");
        if (count < 1)
            throw new UserErrorException("expected images to train on, got none");
        (_options, _loss, Network) = (options, loss, network);
        _recipe = $"{recipe}, {options}, {count} images";
        _batches = new ShuffledBatches(count, options.BatchSize, (ulong)options.Seed);
        _weights = [.. network.Parameters().Select(parameter => parameter.Value)];
        _adam = Optimizers.Adam(_weights, options.LearningRate);
        _whole = network.Buffers().Any();
    }

    /// <summary>The network as trained so far, in evaluation mode.</summary>
    public TNetwork Network { get; }

    /// <summary>Epochs done so far.</summary>
    public int Epoch { get; private set; }

    /// <summary>Epochs in all.</summary>
    public int Epochs => _options.Epochs;

    /// <summary>Trains until all epochs are done, with a checkpoint after each.</summary>
    /// <param name="checkpoint">The file that is written after each epoch, whole or not at all; null for none.</param>
    /// <param name="progress">Told after each batch.</param>
    /// <param name="cancellation">Stops between batches; what came after the last checkpoint is lost.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="InvalidOperationException">The loss or a weight is no number any more; the last good checkpoint
    /// stands.</exception>
    public void Run(
        string? checkpoint = null,
        Action<AutoEncoderProgress>? progress = null,
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
    /// <exception cref="InvalidOperationException">The loss or a weight is no number any more.</exception>
    public void RunEpoch(Action<AutoEncoderProgress>? progress = null, CancellationToken cancellation = default)
    {
        double loss = 0,
            seen = 0;
        int number = 0;
        Network.RequireGrad();
        try
        {
            foreach (int[] batch in _batches.Epoch(Epoch))
            {
                cancellation.ThrowIfCancellationRequested();
                loss += RunBatch(batch, ((long)Epoch * _batches.BatchesPerEpoch) + number++);
                seen += batch.Length;
                progress?.Invoke(new(Epoch + 1, number, _batches.BatchesPerEpoch, loss / seen));
            }
        }
        finally
        {
            Network.RequireGrad(false);
        }

        using var scope = NewDisposeScope();
        if (_weights.Any(weight => weight.isfinite().all().ToDouble() == 0))
            throw Diverged();
        Epoch++;
    }

    /// <summary>Everything a run needs to go on, as one safetensors file.</summary>
    public void Save(Stream stream)
    {
        var tensors = Network
            .State()
            .Select(entry => KeyValuePair.Create("network." + entry.Key, entry.Value))
            .Concat(_adam.State().Select(entry => KeyValuePair.Create("adam." + entry.Key, entry.Value)));
        SafeTensors.Write(
            stream,
            tensors,
            new Dictionary<string, string>
            {
                ["epoch"] = Epoch.ToString(CultureInfo.InvariantCulture),
                ["recipe"] = _recipe,
            }
        );
    }

    /// <summary>Goes on from what <see cref="Save"/> wrote.</summary>
    /// <exception cref="UserErrorException">There is no such file, it is damaged, or it was made with another recipe or
    /// other images.</exception>
    public void Resume(string checkpoint)
    {
        try
        {
            using SafeTensorsFile file = SafeTensors.Read(checkpoint);
            string recipe = file.Metadata.GetValueOrDefault("recipe", "something else");
            if (recipe != _recipe)
                throw new UserErrorException(
                    $"the checkpoint '{checkpoint}' was made with {recipe}, not with {_recipe}: give the same "
                        + $"options, or start anew"
                );
            if (
                !int.TryParse(
                    file.Metadata.GetValueOrDefault("epoch"),
                    NumberStyles.None,
                    CultureInfo.InvariantCulture,
                    out int epoch
                )
            )
                throw new InvalidDataException("It does not say how many epochs are done.");
            if (epoch > _options.Epochs)
                throw new UserErrorException(
                    $"the checkpoint '{checkpoint}' has {epoch} epochs done: give at least as many epochs, or start "
                        + $"anew"
                );
            Network.LoadState(file.Under("network."));
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

    /// <summary>Frees the network and the optimizer.</summary>
    public void Dispose()
    {
        Network.Dispose();
        _adam.Dispose();
    }

    private double RunBatch(int[] batch, long step)
    {
        double done = (double)step / ((long)_options.Epochs * _batches.BatchesPerEpoch);
        _adam.SetLearningRate(
            _options.LearningRate
                + (done * ((_options.FinalLearningRate ?? _options.LearningRate) - _options.LearningRate))
        );
        int count = _whole ? 1 : (batch.Length + PieceSize - 1) / PieceSize;
        using var random = Devices.Generator((unchecked((_options.Seed * 1_000_003) + step)));
        if (_whole)
            Network.Train(random);
        Piece[] pieces = Workers.Shared.Map(
            count,
            i => RunPiece(batch[(batch.Length * i / count)..(batch.Length * (i + 1) / count)], batch.Length, step)
        );
        Network.Evaluate();
        double loss = pieces.Sum(piece => piece.Loss);

        // On a worker, where LibTorch's own threads are off: they cost more than they bring here.
        Workers.Shared.Run(
            double.IsFinite(loss) ? 1 : 0,
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
        return double.IsFinite(loss) ? loss : throw Diverged();
    }

    private Piece RunPiece(int[] indices, int batchSize, long step)
    {
        using var scope = NewDisposeScope();
        using var follow = enable_grad();
        var once = new SampleRandom(_options.Seed, Array.ConvertAll(indices, index => (long)index));
        Tensor loss = _loss(Network, new TrainingRows(indices, Epoch, once, once.Fork(1 + step)));
        Tensor[] gradients = Array.ConvertAll(
            Autograd.Grad([loss.div((double)batchSize)], _weights),
            gradient => gradient!
        );
        return new Piece(scope.MoveAllToOuter(gradients), loss.ToDouble());
    }

    private InvalidOperationException Diverged() =>
        new(
            $"the training diverged in epoch {Epoch + 1}: its loss or a weight is no number any more; try a smaller "
                + $"learning rate. The last checkpoint is from before."
        );

    private sealed record Piece(Tensor[] Gradients, double Loss);
}
