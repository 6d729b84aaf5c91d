using System.Globalization;
using Parry.Models.Architectures;
using Parry.Models.Files;
using static TorchSharp.torch;

namespace Parry.Models.Training;

/// <summary>
/// The loop of every training: takes steps, writes checkpoints, and stops when a loss or weight is not finite. All
/// randomness of a step follows from the seed and the number of the step, so a resumed training gives the same weights
/// as an uninterrupted one, bit for bit.
/// </summary>
/// <typeparam name="TStep">What a step measures.</typeparam>
public abstract class Trainer<TStep> : IDisposable
    where TStep : ITrainingStep
{
    private readonly string _unit;
    private readonly int _stepsPerUnit;

    /// <summary>Prepares a training of a known length.</summary>
    /// <param name="unit">The unit of its length: epoch or iteration.</param>
    /// <param name="units">The number of units.</param>
    /// <param name="stepsPerUnit">The number of steps in each.</param>
    protected Trainer(string unit, int units, int stepsPerUnit = 1)
    {
        (_unit, _stepsPerUnit) = (unit, stepsPerUnit);
        Iterations = checked(units * stepsPerUnit);
        CheckpointEvery = stepsPerUnit;
    }

    /// <summary>Steps taken so far.</summary>
    public int Iteration { get; private set; }

    /// <summary>Steps in total.</summary>
    public int Iterations { get; }

    /// <summary>Steps from one checkpoint to the next.</summary>
    public int CheckpointEvery { get; init; }

    /// <summary>The share of the steps taken so far, in [0, 1].</summary>
    public double Done => Iteration / (double)Iterations;

    /// <summary>The position in the training, in words: "epoch 3 of 10".</summary>
    public string Position => At(Math.Max(0, Iteration - 1));

    /// <summary>Everything that determines the result, in words: a checkpoint of another recipe is refused.</summary>
    protected abstract string Recipe { get; }

    /// <summary>
    /// The networks in training with their optimizers, which a checkpoint holds. The trainer owns them.
    /// </summary>
    protected abstract IReadOnlyList<Learner> Learners { get; }

    /// <summary>
    /// Another network in a checkpoint, with the averaged weights of one in training. The trainer owns it.
    /// </summary>
    protected virtual nn.Module? Average => null;

    /// <summary>Further data of a checkpoint, by name; passed to <see cref="Resumed"/>.</summary>
    protected virtual IEnumerable<KeyValuePair<string, string>> Notes => [];

    /// <summary>Takes one step.</summary>
    /// <exception cref="TrainingDivergedException">A loss or weight is not finite. Resume from the last
    /// checkpoint.</exception>
    public TStep Step()
    {
        TStep step = Train(Iteration);
        if (!step.IsFinite)
            throw new TrainingDivergedException(StepAt(Iteration), "the loss or its gradient is not finite");
        if ((Iteration + 1) % CheckpointEvery == 0 && !Learners.All(learner => learner.IsFinite))
            throw new TrainingDivergedException(StepAt(Iteration), "a weight is not finite");
        Iteration++;
        return step;
    }

    /// <summary>Trains to the end, with checkpoints on the way, at the end, and on cancellation.</summary>
    /// <param name="checkpoint">The file to write, each time atomically; null for none.</param>
    /// <param name="progress">Reports after each step, before a checkpoint is written.</param>
    /// <param name="cancellation">Stops between steps.</param>
    /// <exception cref="OperationCanceledException">The operation was canceled.</exception>
    /// <exception cref="TrainingDivergedException">A loss or weight is not finite; the last good checkpoint is
    /// kept.</exception>
    public void Run(string? checkpoint = null, Action<TStep>? progress = null, CancellationToken cancellation = default)
    {
        while (Iteration < Iterations)
        {
            if (cancellation.IsCancellationRequested)
            {
                Save(checkpoint);
                cancellation.ThrowIfCancellationRequested();
            }

            TStep step = Step();
            progress?.Invoke(step);
            if (Iteration % CheckpointEvery == 0 || Iteration == Iterations)
                Save(checkpoint);
        }
    }

    /// <summary>Writes everything needed to resume the training, as one safetensors file.</summary>
    public void Save(Stream stream)
    {
        using var scope = NewDisposeScope();
        var average = Average?.State().Select(entry => KeyValuePair.Create($"average.{entry.Key}", entry.Value));
        SafeTensors.Write(
            stream,
            [.. Learners.SelectMany(learner => learner.State()), .. average ?? []],
            new Dictionary<string, string>(Notes)
            {
                ["iteration"] = Iteration.ToString(CultureInfo.InvariantCulture),
                ["recipe"] = Recipe,
            }
        );
    }

    /// <summary>Resumes from what <see cref="Save(Stream)"/> wrote.</summary>
    /// <exception cref="UserErrorException">The file does not exist, is damaged, or is of another recipe or of a longer
    /// training.</exception>
    public void Resume(string checkpoint)
    {
        try
        {
            using SafeTensorsFile file = SafeTensors.Read(checkpoint);
            string recipe = file.Metadata.GetValueOrDefault("recipe", "another kind of training");
            if (recipe != Recipe)
                throw new UserErrorException(
                    $"the checkpoint was made with {recipe}, not with {Recipe}: give the same options, or remove "
                        + $"{checkpoint} to start again"
                );
            int iteration = int.Parse(
                file.Metadata.GetValueOrDefault("iteration", ""),
                NumberStyles.None,
                CultureInfo.InvariantCulture
            );
            if (iteration > Iterations)
                throw new UserErrorException(
                    $"the checkpoint {checkpoint} is from a longer training: expected at most {_unit} "
                        + $"{Iterations / _stepsPerUnit}, got {_unit} {iteration / _stepsPerUnit}; train for longer, "
                        + "or remove it to start again"
                );
            foreach (Learner learner in Learners)
                learner.Restore(file);
            Average?.LoadState(file.Under("average."));
            Resumed(file.Metadata);
            Iteration = iteration;
        }
        catch (Exception e)
            when (e
                    is InvalidDataException
                        or IOException
                        or UnauthorizedAccessException
                        or FormatException
                        or OverflowException
            )
        {
            throw new UserErrorException($"cannot resume from {checkpoint}: {e.Message} Remove it to start again.", e);
        }
    }

    /// <summary>Frees the networks and optimizers.</summary>
    public virtual void Dispose()
    {
        foreach (Learner learner in Learners)
            learner.Dispose();
        Average?.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Takes the step of a number, counted from 0.</summary>
    protected abstract TStep Train(int iteration);

    /// <summary>Reads the <see cref="Notes"/> of the checkpoint that the training resumes from.</summary>
    /// <exception cref="FormatException">The notes are damaged.</exception>
    protected virtual void Resumed(IReadOnlyDictionary<string, string> notes) { }

    private string StepAt(int iteration) =>
        _stepsPerUnit == 1
            ? At(iteration)
            : $"{At(iteration)}, step {(iteration % _stepsPerUnit) + 1} of {_stepsPerUnit}";

    private string At(int iteration) => $"{_unit} {(iteration / _stepsPerUnit) + 1} of {Iterations / _stepsPerUnit}";

    private void Save(string? checkpoint)
    {
        if (checkpoint is not null)
            AtomicFile.Write(checkpoint, Save);
    }
}
