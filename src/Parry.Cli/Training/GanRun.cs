using System.Diagnostics;
using System.Globalization;
using System.Text;
using Parry.Data.Images;
using Parry.Generative;
using Parry.Models;
using Parry.Models.Files;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Cli.Training;

/// <summary>
/// One training of the GAN family: checkpoints, sample sheets and a log on the way, warnings when it fails in a known
/// way, the weight file at the end.
/// </summary>
internal sealed class GanRun
{
    private const int JudgedCount = 500;

    private GanLog _log = new();
    private int[]? _counts;

    /// <summary>What trains.</summary>
    public required IGanTrainer Trainer { get; init; }

    /// <summary>The description of the weights when the training has come to this iteration.</summary>
    public required Func<int, ModelDescription> Describe { get; init; }

    /// <summary>Generator steps.</summary>
    public required int Iterations { get; init; }

    /// <summary>Whether the discriminator's loss nears 0 when it wins.</summary>
    public required bool LossHasFloor { get; init; }

    /// <summary>Where everything is written.</summary>
    public required TrainingFiles Files { get; init; }

    /// <summary>Iterations between checkpoints.</summary>
    public required int CheckpointEvery { get; init; }

    /// <summary>Iterations between sample sheets.</summary>
    public required int SamplesEvery { get; init; }

    /// <summary>Columns of the sample sheet, which has ten rows.</summary>
    public int SheetColumns { get; init; } = 10;

    /// <summary>Tells which classes the samples show; null leaves that open.</summary>
    public IClassifier? Judge { get; init; }

    /// <summary>What the training's failures look like at this point, one line each.</summary>
    public IReadOnlyList<string> Warnings =>
        [
            .. new[]
            {
                LossHasFloor ? GanWarnings.VanishingGradient(_log.Rows) : null,
                GanWarnings.Divergence(_log.Rows),
                _counts is null ? null : GanWarnings.ModeCollapse(_counts),
            }.OfType<string>(),
        ];

    /// <summary>How many classes the last samples show; null without a judge.</summary>
    public int? Classes => _counts is null ? null : GanWarnings.ClassesCovered(_counts);

    /// <summary>Trains to the end and writes the weights.</summary>
    /// <exception cref="StoppedException">It was stopped; the checkpoint says where.</exception>
    /// <exception cref="UserErrorException">The checkpoint does not fit.</exception>
    /// <exception cref="InvalidOperationException">It diverged.</exception>
    public void Run(ProgressLine progress, CancellationToken cancellation)
    {
        if (Files.HasCheckpoint)
            Resume();
        int begun = Trainer.Iteration;
        var elapsed = Stopwatch.StartNew();
        while (Trainer.Iteration < Iterations)
        {
            if (cancellation.IsCancellationRequested)
            {
                WriteCheckpoint();
                throw new StoppedException(
                    $"stopped at iteration {Trainer.Iteration} of {Iterations}: give the same command with --resume "
                        + $"to go on"
                );
            }

            GanStep step = Trainer.Step();
            if (!step.IsFinite)
                throw Diverged();
            _log.Add(Trainer.Iteration, step);
            if (Trainer.Iteration % SamplesEvery == 0 && Trainer.Iteration < Iterations)
                WriteSamples();
            if (Trainer.Iteration % CheckpointEvery == 0 || Trainer.Iteration == Iterations)
                WriteCheckpoint();
            progress.Show(() =>
            {
                double speed = (Trainer.Iteration - begun) / elapsed.Elapsed.TotalSeconds;
                string left = progress.TimeLeft(Trainer.Iteration / (double)Iterations, begun / (double)Iterations);
                string warned = string.Concat(Warnings.Select(warning => $"; warning: {warning}"));
                return string.Create(
                    CultureInfo.InvariantCulture,
                    $"iteration {Trainer.Iteration:N0} of {Iterations:N0}, loss {step.DiscriminatorLoss:0.000} / "
                        + $"{step.GeneratorLoss:0.000}, gradient "
                        + $"{step.GeneratorGradient:G2}{(Classes is { } classes ? $", {classes} classes" : "")}, "
                        + $"{speed:0.0} iterations/s, {left}{warned}"
                );
            });
        }

        WriteSamples();
        WriteLog();
        ModelFile.Save(Files.Weights, Trainer.Generator, Describe(Trainer.Iteration));
    }

    private void Resume()
    {
        try
        {
            using SafeTensorsFile checkpoint = SafeTensors.Read(Files.Checkpoint);
            Trainer.Resume(checkpoint);
            if (File.Exists(Files.Log))
                _log = GanLog.Parse(File.ReadAllText(Files.Log), Trainer.Iteration);
        }
        catch (Exception e)
            when (e
                    is InvalidDataException
                        or IOException
                        or UnauthorizedAccessException
                        or KeyNotFoundException
                        or FormatException
                        or OverflowException
            )
        {
            throw new UserErrorException(
                $"cannot go on from {Files.Checkpoint}: {e.Message} Remove it to start anew.",
                e
            );
        }

        if (Trainer.Iteration > Iterations)
            throw new UserErrorException(
                $"{Files.Checkpoint} is at iteration {Trainer.Iteration}: give an --iterations of at least that, or "
                    + $"remove it to start anew"
            );
    }

    private InvalidOperationException Diverged()
    {
        string kept = File.Exists(Files.Checkpoint)
            ? $"{Files.Checkpoint} holds the last good weights"
            : "there was no checkpoint yet";
        return new InvalidOperationException(
            $"the training diverged at iteration {Trainer.Iteration}, where a loss or gradient is no finite number; "
                + $"{kept}: try a smaller --learning-rate"
        );
    }

    private void WriteCheckpoint()
    {
        WriteLog();
        AtomicFile.Write(Files.Checkpoint, Trainer.Save);
    }

    private void WriteLog() => AtomicFile.Write(Files.Log, stream => stream.Write(Encoding.UTF8.GetBytes(_log.Text)));

    private void WriteSamples()
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        WriteSheet(Files.Samples, Trainer.Samples(10 * SheetColumns), SheetColumns);
        if (Judge is null)
            return;
        _counts = new int[Judge.Classes];
        foreach (long label in Judge.Predict(Parry.Models.Images.Of(Trainer.Samples(JudgedCount))).ToArray<long>())
            _counts[label]++;
        _log.Judge(GanWarnings.ClassesCovered(_counts));
    }

    /// <summary>Writes images [N, C, H, W] in [0, 1] as one PNG.</summary>
    public static void WriteSheet(string path, Tensor images, int columns)
    {
        var shape = new ImageShape((int)images.size(1), (int)images.size(2), (int)images.size(3));
        byte[] pixels = Array.ConvertAll(
            images.contiguous().ToArray<float>(),
            value => (byte)Math.Round(Math.Clamp(value, 0, 1) * 255)
        );
        byte[] sheet = ImageGrid.EncodePng(pixels, shape, columns, scale: 2);
        AtomicFile.Write(path, stream => stream.Write(sheet));
    }
}
