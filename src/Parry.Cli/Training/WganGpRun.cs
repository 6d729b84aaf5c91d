using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Parry.Data;
using Parry.Data.Images;
using Parry.Generative;
using Parry.Models;
using Parry.Models.Architectures;
using Parry.Models.Files;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Cli.Training;

/// <summary>
/// One WGAN-GP training of a generator, from images to the weight file, with checkpoints and sample sheets on the way.
/// </summary>
internal sealed partial class WganGpRun
{
    private const int SampleCount = 100;
    private const int SampleColumns = 10;

    /// <summary>The recipe.</summary>
    public required WganGp Options { get; init; }

    /// <summary>The training images.</summary>
    public required ImageSet Images { get; init; }

    /// <summary>The name of their data set.</summary>
    public required string Data { get; init; }

    /// <summary>Where everything is written.</summary>
    public required TrainingFiles Files { get; init; }

    /// <summary>Iterations between checkpoints.</summary>
    public required int CheckpointEvery { get; init; }

    /// <summary>Iterations between sample sheets.</summary>
    public required int SamplesEvery { get; init; }

    /// <summary>The command that makes the same file again.</summary>
    public required string Command { get; init; }

    /// <summary>Trains to the end and writes the weights.</summary>
    /// <returns>The number of the generator's parameters.</returns>
    /// <exception cref="StoppedException">It was stopped; the checkpoint says where.</exception>
    /// <exception cref="UserErrorException">The options do not fit the images or the checkpoint.</exception>
    public long Run(ProgressLine progress, CancellationToken cancellation)
    {
        if (Options.BatchSize > Images.Count)
            throw new UserErrorException(
                $"expected --batch to be at most the {Images.Count} training images of {Data}, got {Options.BatchSize}"
            );
        using Tensor images = TensorData.FromBytes(
            Images.Pixels,
            ScalarType.Byte,
            Images.Count,
            Images.Shape.Channels,
            Images.Shape.Height,
            Images.Shape.Width
        );
        using var trainer = new WganGpTrainer(Options, images);
        if (Files.HasCheckpoint)
            Resume(trainer);
        Train(trainer, progress, cancellation);
        WriteSamples(trainer.Generator);
        ModelFile.Save(
            Files.Weights,
            trainer.Generator,
            new ModelDescription
            {
                Architecture = ModelDescription.GeneratorArchitecture,
                Data = Data,
                Shape = Images.Shape,
                Latent = Options.Latent,
                Width = Options.Width,
                Iterations = trainer.Iteration,
                Seed = Options.Seed,
                Command = CommandOf(trainer.Stages),
            }
        );
        return trainer.Generator.ParameterCount();
    }

    private void Train(WganGpTrainer trainer, ProgressLine progress, CancellationToken cancellation)
    {
        int begun = trainer.Iteration;
        var elapsed = Stopwatch.StartNew();
        while (trainer.Iteration < Options.Iterations)
        {
            if (cancellation.IsCancellationRequested)
            {
                AtomicFile.Write(Files.Checkpoint, trainer.Save);
                throw new StoppedException(
                    $"stopped at iteration {trainer.Iteration} of {Options.Iterations}: give the same command with "
                        + $"--resume to go on"
                );
            }

            var (distance, penalty) = trainer.Step();
            if (!double.IsFinite(distance + penalty))
                throw new InvalidOperationException(
                    $"the training diverged at iteration {trainer.Iteration}: try a smaller --learning-rate"
                );
            progress.Show(() =>
            {
                double speed =
                    (double)(trainer.Iteration - begun)
                    * Options.CriticSteps
                    * Options.BatchSize
                    / elapsed.Elapsed.TotalSeconds;
                string left = progress.TimeLeft(
                    trainer.Iteration / (double)Options.Iterations,
                    begun / (double)Options.Iterations
                );
                return string.Create(
                    CultureInfo.InvariantCulture,
                    $"iteration {trainer.Iteration:N0} of {Options.Iterations:N0}, distance {distance:0.000}, "
                        + $"penalty {penalty:0.000}, {speed:N0} images/s, {left}"
                );
            });
            if (trainer.Iteration % SamplesEvery == 0)
                WriteSamples(trainer.Generator);
            if (trainer.Iteration % CheckpointEvery == 0 || trainer.Iteration == Options.Iterations)
                AtomicFile.Write(Files.Checkpoint, trainer.Save);
        }
    }

    private void Resume(WganGpTrainer trainer)
    {
        try
        {
            using SafeTensorsFile checkpoint = SafeTensors.Read(Files.Checkpoint);
            trainer.Resume(checkpoint);
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

        if (trainer.Iteration > Options.Iterations)
            throw new UserErrorException(
                $"{Files.Checkpoint} is at iteration {trainer.Iteration}: give an --iterations of at least that, or "
                    + $"remove it to start anew"
            );
    }

    // The commands that make the same file again: one for each stage of the training.
    private string CommandOf(IReadOnlyList<TrainingStage> stages)
    {
        if (stages.Count == 1)
            return Command;
        string common = StageOptions().Replace(Command, "");
        return string.Join(
            " && ",
            stages.Select(
                (stage, i) =>
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{common} --critic-steps {stage.CriticSteps} --learning-rate {stage.LearningRate} "
                            + $"--iterations {stage.Until}{(i > 0 ? " --resume" : "")}"
                    )
            )
        );
    }

    [GeneratedRegex(
        @" --(critic-steps|learning-rate|iterations) \S+",
        RegexOptions.None,
        matchTimeoutMilliseconds: 1000
    )]
    private static partial Regex StageOptions();

    // Always the same latent vectors, so that sheets can be compared.
    private void WriteSamples(ImageGenerator generator)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        using var random = Devices.Generator(Options.Seed);
        float[] drawn = generator
            .Generate(randn([SampleCount, Options.Latent], generator: random))
            .contiguous()
            .ToArray<float>();
        byte[] pixels = Array.ConvertAll(drawn, value => (byte)Math.Round(value * 255));
        byte[] sheet = ImageGrid.EncodePng(pixels, Images.Shape, SampleColumns, scale: 2);
        AtomicFile.Write(Files.Samples, stream => stream.Write(sheet));
    }
}
