using Parry.Models.Architectures.Layers;
using Parry.Models.Training;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.Building;

/// <summary>How the network of an attack learns: Adam over epochs of shuffled batches.</summary>
internal sealed record NetworkTraining(int Epochs, int BatchSize, double LearningRate)
{
    private const int Rows = 32;

    /// <summary>
    /// A small network with one hidden layer: joins all dimensions after the first, and gives outputs in a row.
    /// </summary>
    /// <param name="inputs">Values of one input.</param>
    /// <param name="hidden">Units of the hidden layer.</param>
    /// <param name="outputs">Values of one output.</param>
    /// <param name="seed">Decides the first weights.</param>
    /// <param name="last">What bounds the outputs, if anything.</param>
    public static nn.Module<Tensor, Tensor> Dense(
        int inputs,
        int hidden,
        int outputs,
        long seed,
        nn.Module<Tensor, Tensor>? last = null
    )
    {
        using var random = Devices.Generator(seed);
        nn.Module<Tensor, Tensor>[] layers =
        [
            Layer.Flatten(),
            Layer.Linear(inputs, hidden, random),
            nn.ReLU(),
            Layer.Linear(hidden, outputs, random),
        ];
        return Layer.Sequential(last is null ? layers : [.. layers, last]);
    }

    /// <summary>The number of steps on that many images.</summary>
    public long Steps(long images) => Epochs * ((images + BatchSize - 1) / BatchSize);

    /// <summary>Trains a network in place.</summary>
    /// <param name="network">The network, in evaluation mode.</param>
    /// <param name="data">What it learns from.</param>
    /// <param name="seed">Decides the order of images.</param>
    /// <param name="loss">From some rows and the number of the step to their summed loss, followed by autograd.</param>
    /// <param name="progress">Told the share that is done.</param>
    /// <param name="cancellation">Stops between batches.</param>
    public void Run(
        nn.Module<Tensor, Tensor> network,
        Batch data,
        long seed,
        Func<Batch, long, Tensor> loss,
        IProgress<double>? progress,
        CancellationToken cancellation
    )
    {
        using var scope = NewDisposeScope();
        using var trainer = new Loop(this, network, data, seed, loss);
        trainer.Run(progress: _ => progress?.Report(trainer.Done), cancellation: cancellation);
        trainer.Release();
    }

    /// <summary>
    /// A trained network's output, for each row the same in every batch: matrix products round differently for other
    /// numbers of rows, so the network is always given the same number of them.
    /// </summary>
    public static Tensor Apply(nn.Module<Tensor, Tensor> network, Tensor input)
    {
        using var scope = NewDisposeScope();
        var outputs = new List<Tensor>();
        for (long from = 0; from < input.size(0); from += Rows)
        {
            Tensor rows = input.slice(0, from, Math.Min(from + Rows, input.size(0)), 1);
            long[] missing = [Rows - rows.size(0), .. rows.shape.AsSpan(1)];
            Tensor filled = missing[0] == 0 ? rows : cat([rows, zeros(missing)]);
            outputs.Add(network.forward(filled).slice(0, 0, rows.size(0), 1));
        }

        return scope.MoveToOuter(cat([.. outputs]));
    }

    private sealed class Loop : EpochTrainer
    {
        private readonly TrainingLanes _lanes;
        private readonly Learner _learner;
        private readonly Func<Batch, long, Tensor> _loss;

        public Loop(
            NetworkTraining training,
            nn.Module<Tensor, Tensor> network,
            Batch data,
            long seed,
            Func<Batch, long, Tensor> loss
        )
            : this(training, network, new TrainingLanes(data, training.BatchSize, seed), loss) { }

        private Loop(
            NetworkTraining training,
            nn.Module<Tensor, Tensor> network,
            TrainingLanes lanes,
            Func<Batch, long, Tensor> loss
        )
            : base(training.Epochs, lanes.BatchesPerEpoch)
        {
            (_lanes, _loss) = (lanes, loss);
            _learner = new Learner("network", network, weights => Optimizers.Adam(weights, training.LearningRate));
        }

        protected override string Recipe => "the network of an attack";

        protected override IReadOnlyList<Learner> Learners => [_learner];

        public void Release() => _learner.Release();

        protected override BatchLoss Train(int iteration, int epoch) =>
            _lanes.Step(_learner, _lanes.RowsOf(epoch, iteration % BatchesPerEpoch), rows => _loss(rows, iteration));
    }
}
