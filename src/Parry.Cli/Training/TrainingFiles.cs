using System.Globalization;

namespace Parry.Cli.Training;

/// <summary>The files of a training: the weights, and beside them the checkpoint and the sample sheet.</summary>
internal sealed class TrainingFiles
{
    /// <summary>Names the files, and checks before hours of work that they can be written.</summary>
    /// <param name="weights">The file for the weights, whose name ends in .safetensors.</param>
    /// <param name="resume">Whether to continue from the checkpoint.</param>
    /// <exception cref="UserErrorException">The name is not valid, the folder is not writable, or there is a checkpoint
    /// of an earlier run.</exception>
    public TrainingFiles(string weights, bool resume)
    {
        if (!weights.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase))
            throw new UserErrorException($"expected --out to name a .safetensors file, got {weights}");
        if (Directory.Exists(weights))
            throw new UserErrorException(
                $"expected --out to name a file, got the folder {weights}: choose another name"
            );
        Weights = weights;
        string probe = Path.ChangeExtension(weights, Path.GetRandomFileName());
        AtomicFile.Write(probe, _ => { });
        File.Delete(probe);
        HasCheckpoint = File.Exists(Checkpoint);
        if (HasCheckpoint && !resume)
            throw new UserErrorException(
                $"{Checkpoint} is the checkpoint of an earlier run: add --resume to continue from it, or delete "
                    + "it to start again"
            );
    }

    /// <summary>The weight file.</summary>
    public string Weights { get; }

    /// <summary>The checkpoint from which an unfinished training continues.</summary>
    public string Checkpoint => Path.ChangeExtension(Weights, "checkpoint.safetensors");

    /// <summary>A sheet of images that a generator drew.</summary>
    public string Samples => Path.ChangeExtension(Weights, "samples.png");

    /// <summary>The sheet of images that a generator drew after some iterations, which is kept.</summary>
    public string SamplesAt(int iteration) =>
        Path.ChangeExtension(Weights, string.Create(CultureInfo.InvariantCulture, $"samples-{iteration}.png"));

    /// <summary>StyleGAN's sheet of mixed styles.</summary>
    public string Mixing => Path.ChangeExtension(Weights, "mixing.png");

    /// <summary>StyleGAN's sheet of truncated styles.</summary>
    public string Truncation => Path.ChangeExtension(Weights, "truncation.png");

    /// <summary>The log of what the training measured.</summary>
    public string Log => Path.ChangeExtension(Weights, "log.csv");

    /// <summary>Whether there was a checkpoint at the start and it will be used.</summary>
    public bool HasCheckpoint { get; }
}
