namespace Parry.Models.Training;

/// <summary>A training that sees every image once an epoch, in batches.</summary>
public abstract class EpochTrainer : Trainer<TrainingProgress>
{
    private double _loss;
    private double _seen;
    private double _correct;

    /// <summary>Prepares a training of a known length.</summary>
    /// <param name="epochs">Passes over the images.</param>
    /// <param name="batches">Batches in each.</param>
    protected EpochTrainer(int epochs, int batches)
        : base("epoch", epochs, batches) => (Epochs, BatchesPerEpoch) = (epochs, batches);

    /// <summary>Epochs done so far.</summary>
    public int Epoch => Iteration / BatchesPerEpoch;

    /// <summary>Epochs in all.</summary>
    public int Epochs { get; }

    /// <summary>Batches in an epoch.</summary>
    public int BatchesPerEpoch { get; }

    /// <summary>Trains until the current epoch is done.</summary>
    /// <exception cref="TrainingDivergedException">A loss or weight is not finite.</exception>
    public void RunEpoch()
    {
        do Step();
        while (Iteration % BatchesPerEpoch != 0);
    }

    /// <summary>Takes the step of one batch.</summary>
    /// <param name="iteration">The number of the batch in the whole training, counted from 0.</param>
    /// <param name="epoch">The epoch, counted from 0.</param>
    protected abstract BatchLoss Train(int iteration, int epoch);

    /// <summary>The accuracy on the validation images, computed after each epoch; null if there are none.</summary>
    protected virtual double? Validate() => null;

    /// <inheritdoc/>
    protected sealed override TrainingProgress Train(int iteration)
    {
        var (epoch, batch) = Math.DivRem(iteration, BatchesPerEpoch);
        if (batch == 0)
            (_loss, _seen, _correct) = (0, 0, 0);
        BatchLoss step = Train(iteration, epoch);
        _loss += step.Loss;
        _seen += step.Images;
        _correct += step.Correct;
        double? validated = step.IsFinite && batch + 1 == BatchesPerEpoch ? Validate() : null;
        return new TrainingProgress(epoch + 1, batch + 1, BatchesPerEpoch, _loss / _seen, _correct / _seen, validated);
    }
}
