using System.Globalization;
using Parry.Generative.AutoEncoders;
using static TorchSharp.torch;

namespace Parry.Cli.Training;

/// <summary>
/// The training of an auto-encoder as the verbs do it: from the checkpoint on, with progress, stopped cleanly.
/// </summary>
internal static class AutoEncoderRun
{
    /// <summary>Trains to the end.</summary>
    /// <exception cref="StoppedException">It was stopped; the checkpoint says where.</exception>
    /// <exception cref="UserErrorException">The checkpoint is of another training.</exception>
    public static void Train<TNetwork>(
        AutoEncoderTrainer<TNetwork> trainer,
        TrainingFiles files,
        ProgressLine progress,
        CancellationToken cancellation
    )
        where TNetwork : nn.Module<Tensor, Tensor>
    {
        if (files.HasCheckpoint)
            trainer.Resume(files.Checkpoint);
        double begun = trainer.Epoch / (double)trainer.Epochs;
        try
        {
            trainer.Run(
                files.Checkpoint,
                now =>
                    progress.Show(() =>
                    {
                        double done = (now.Epoch - 1 + (now.Batch / (double)now.Batches)) / trainer.Epochs;
                        return string.Create(
                            CultureInfo.InvariantCulture,
                            $"epoch {now.Epoch} of {trainer.Epochs}, loss {now.Loss:0.0000}, "
                                + $"{progress.TimeLeft(done, begun)}"
                        );
                    }),
                cancellation
            );
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            throw new StoppedException(
                $"stopped after epoch {trainer.Epoch} of {trainer.Epochs}: give the same command with --resume to go on"
            );
        }
    }
}
