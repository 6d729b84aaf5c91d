using System.CommandLine;
using System.Globalization;
using Parry.Data;
using Parry.Models;
using Parry.Models.Architectures;
using Parry.Models.Files;
using Parry.Models.Training;
using static TorchSharp.torch;

namespace Parry.Cli.Training;

/// <summary>
/// One training from the command line: its images and files, the training itself with progress, checkpoints and a clean
/// stop, and the weight file at the end. It owns the classifiers that it loads.
/// </summary>
internal sealed class TrainingRun : IDisposable
{
    /// <summary>The help text of <c>--out</c> for large networks, whose weights are stored in half precision.</summary>
    public const string HalfWeights =
        "The weight file to write, in float16; until the training is done, its checkpoint is beside it.";

    private readonly List<IDisposable> _loaded = [];
    private readonly HashSet<string> _notes = [];
    private readonly string? _folder;

    private TrainingRun(
        ParseResult result,
        DataOptions data,
        string? model,
        string weights,
        bool resume,
        CancellationToken cancellation
    )
    {
        Result = result;
        Set = data.Open(result, model);
        Files = new TrainingFiles(weights, resume);
        Progress = ProgressLine.Of(result);
        (_folder, Cancellation) = (data.Folder(result), cancellation);
    }

    /// <summary>The command line.</summary>
    public ParseResult Result { get; }

    /// <summary>The data set.</summary>
    public IImageSource Set { get; }

    /// <summary>The files to write.</summary>
    public TrainingFiles Files { get; }

    /// <summary>The progress line.</summary>
    public ProgressLine Progress { get; }

    /// <summary>Signals that the user wants to stop.</summary>
    public CancellationToken Cancellation { get; }

    /// <summary>Makes the verb of a training, whose options follow those that all trainings have.</summary>
    /// <param name="name">The name.</param>
    /// <param name="description">What it trains.</param>
    /// <param name="options">The verb's own options.</param>
    /// <param name="train">Trains.</param>
    /// <param name="model">Returns the model in the command line, for which other images than published sets are
    /// prepared; null if there is none.</param>
    /// <param name="weights">The help text of <c>--out</c>.</param>
    public static Command Verb(
        string name,
        string description,
        IEnumerable<Option> options,
        Action<TrainingRun> train,
        Func<ParseResult, string?>? model = null,
        string weights = "The weight file to write; until the training is done, its checkpoint is beside it."
    )
    {
        var data = new DataOptions();
        Option<string> outFile = Arguments.OutFile(weights);
        Option<bool> resume = Arguments.Resume();
        var verb = new Command(name, description) { data, outFile };
        foreach (Option option in options)
            verb.Add(option);
        verb.Add(resume);
        return verb.Does(
            (result, cancellation) =>
            {
                using var run = new TrainingRun(
                    result,
                    data,
                    model?.Invoke(result),
                    result.GetRequiredValue(outFile),
                    result.GetValue(resume),
                    cancellation
                );
                train(run);
                return 0;
            }
        );
    }

    /// <summary>The value of an option.</summary>
    public T Value<T>(Option<T> option) => Result.GetValue(option)!;

    /// <summary>Loads images of the data set.</summary>
    /// <param name="part">The part.</param>
    /// <param name="split">How training images are split.</param>
    /// <param name="count">The largest number of images; null for all.</param>
    public ImageSet Images(DataPart part = DataPart.Train, Split? split = null, int? count = null)
    {
        ImageSet images = Set.Load(part, split ?? Split.DefenseGan, _folder, count);
        if (images.Note is { } note && _notes.Add(note))
            Output.Of(Result).Notes([note]);
        return images;
    }

    /// <summary>Loads a classifier for these images.</summary>
    public IClassifier Classifier(string name)
    {
        IClassifier classifier = ModelCatalog.LoadClassifier(name, Set.Shape, Set.ClassNames.Count).Classifier;
        if (classifier is IDisposable owned)
            _loaded.Add(owned);
        return classifier;
    }

    /// <summary>Trains to the end, starting from the checkpoint if there is one.</summary>
    /// <param name="trainer">The trainer.</param>
    /// <param name="describe">Describes in words what a step measured.</param>
    /// <param name="stepped">Called after each step.</param>
    /// <exception cref="StoppedException">The training was stopped; the checkpoint says where.</exception>
    /// <exception cref="UserErrorException">The checkpoint does not fit.</exception>
    /// <exception cref="InvalidOperationException">The training diverged.</exception>
    public void Train<TStep>(Trainer<TStep> trainer, Func<TStep, string> describe, Action<TStep>? stepped = null)
        where TStep : ITrainingStep
    {
        if (Files.HasCheckpoint)
            trainer.Resume(Files.Checkpoint);

        double begun = trainer.Done;
        try
        {
            trainer.Run(
                Files.Checkpoint,
                step =>
                {
                    stepped?.Invoke(step);
                    Progress.Show(() =>
                        $"{trainer.Position}, {describe(step)}, {Progress.TimeLeft(trainer.Done, begun)}"
                    );
                },
                Cancellation
            );
        }
        catch (OperationCanceledException) when (Cancellation.IsCancellationRequested)
        {
            throw new StoppedException($"stopped at {trainer.Position}: repeat the command with --resume to continue");
        }
        catch (TrainingDivergedException e)
        {
            string kept = File.Exists(Files.Checkpoint)
                ? $"{Files.Checkpoint} holds the last good weights"
                : "there was no checkpoint yet";
            throw new InvalidOperationException($"{e.Message}; {kept}: try a smaller --learning-rate", e);
        }
    }

    /// <summary>Trains to the end, with the mean loss of the epoch as progress.</summary>
    public void Train(EpochTrainer trainer) =>
        Train(trainer, step => string.Create(CultureInfo.InvariantCulture, $"loss {step.Loss:0.0000}"));

    /// <summary>Writes the weights of a training in epochs, removes its checkpoint and reports the result.</summary>
    /// <param name="network">The network.</param>
    /// <param name="what">The network, in words.</param>
    /// <param name="trainer">The trainer.</param>
    /// <param name="seed">The seed of the training.</param>
    /// <param name="description">The description in the file, without data, seed and command.</param>
    /// <param name="half">Whether weights are rounded to float16.</param>
    public void Save(
        nn.Module<Tensor, Tensor> network,
        string what,
        EpochTrainer trainer,
        long seed,
        ModelDescription description,
        bool half = false
    )
    {
        Save(network, description with { Seed = seed }, half);
        File.Delete(Files.Checkpoint);
        Line(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{Files.Weights}: {what} of {network.ParameterCount():N0} parameters after {trainer.Epochs} epochs"
            )
        );
    }

    /// <summary>Writes the weights.</summary>
    public void Save(nn.Module<Tensor, Tensor> network, ModelDescription description, bool half = false)
    {
        string command = description.Command.Length > 0 ? description.Command : Result.CommandText();
        ModelFile.Save(Files.Weights, network, description with { Data = Set.Name, Command = command }, half);
    }

    /// <summary>Writes a line to standard output.</summary>
    public void Line(string text)
    {
        Progress.Dispose();
        Output.Of(Result).Line(text);
    }

    /// <summary>Erases the progress and frees the loaded classifiers.</summary>
    public void Dispose()
    {
        Progress.Dispose();
        foreach (IDisposable loaded in _loaded)
            loaded.Dispose();
    }
}
