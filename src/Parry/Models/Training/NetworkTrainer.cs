using Parry.Data;
using Parry.Models.Architectures;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Models.Training;

/// <summary>
/// Trains a network with a loss that is a sum over images: auto-encoders, diffusion. A batch is always split into the
/// same pieces, whatever the number of workers. A training can be resumed for more epochs than planned at first, unless
/// its step size decays.
/// </summary>
/// <remarks>
/// A network with running statistics (batch normalization) processes each batch as a whole, on one worker.
/// </remarks>
public sealed class NetworkTrainer<TNetwork> : EpochTrainer
    where TNetwork : nn.Module<Tensor, Tensor>
{
    private const int PieceSize = 64;

    private readonly TrainingSchedule _schedule;
    private readonly Func<TNetwork, TrainingRows, Tensor> _loss;
    private readonly ShuffledOrder _order;
    private readonly Learner _learner;
    private readonly bool _whole;

    /// <summary>Prepares a training.</summary>
    /// <param name="schedule">The number of epochs, the batch size and the step size.</param>
    /// <param name="recipe">Everything else that determines the result, in words: a checkpoint of another recipe is
    /// refused.</param>
    /// <param name="network">The network with its initial weights; this object owns it.</param>
    /// <param name="count">The number of training images.</param>
    /// <param name="loss">Maps the network and some rows to the sum of their losses, differentiable.</param>
    /// <exception cref="UserErrorException">An option is out of range, or there are no images.</exception>
    public NetworkTrainer(
        TrainingSchedule schedule,
        string recipe,
        TNetwork network,
        int count,
        Func<TNetwork, TrainingRows, Tensor> loss
    )
        : this(schedule, recipe, network, count, loss, Batches(schedule, count)) { }

    private NetworkTrainer(
        TrainingSchedule schedule,
        string recipe,
        TNetwork network,
        int count,
        Func<TNetwork, TrainingRows, Tensor> loss,
        ShuffledBatches batches
    )
        : base(schedule.Epochs, batches.BatchesPerEpoch)
    {
        (_schedule, _loss, Network) = (schedule, loss, network);
        Recipe = $"{recipe}, {schedule}, {count} images";
        _order = new ShuffledOrder(batches);
        _learner = new Learner("network", network, weights => Optimizers.Adam(weights, schedule.LearningRate));
        _whole = network.Buffers().Any();
    }

    /// <summary>The network as trained so far, in evaluation mode.</summary>
    public TNetwork Network { get; }

    /// <inheritdoc/>
    protected override string Recipe { get; }

    /// <inheritdoc/>
    protected override IReadOnlyList<Learner> Learners => [_learner];

    /// <inheritdoc/>
    protected override BatchLoss Train(int iteration, int epoch)
    {
        int[] batch = _order[iteration];
        int pieces = _whole || Devices.IsGpu ? 1 : (batch.Length + PieceSize - 1) / PieceSize;
        _learner.SetLearningRate(_schedule.RateAt(Done));
        using var random = Devices.Generator(unchecked((_schedule.Seed * 1_000_003) + iteration));
        if (_whole)
            Network.Train(random);
        BatchLoss step = _learner.Minimize(
            pieces,
            batch.Length,
            (_, piece) =>
            {
                int[] rows = batch[(batch.Length * piece / pieces)..(batch.Length * (piece + 1) / pieces)];
                var once = new SampleRandom(_schedule.Seed, Array.ConvertAll(rows, row => (long)row));
                return (_loss(Network, new TrainingRows(rows, epoch, once, once.Fork(1 + iteration))), null);
            }
        );
        Network.Evaluate();
        return step;
    }

    private static ShuffledBatches Batches(TrainingSchedule schedule, int count)
    {
        schedule.Check(count);
        return new ShuffledBatches(count, schedule.BatchSize, (ulong)schedule.Seed);
    }
}
