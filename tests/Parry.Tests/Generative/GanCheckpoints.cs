using Parry.Generative.Gans;

namespace Parry.Tests.Generative;

/// <summary>Checkpoints of trainings, as tests compare them and carry them from one to another.</summary>
internal static class GanCheckpoints
{
    /// <summary>The checkpoint's bytes.</summary>
    public static byte[] Bytes(GanTrainer trainer)
    {
        using var stream = new MemoryStream();
        trainer.Save(stream);
        return stream.ToArray();
    }

    /// <summary>Lets a training go on from another's checkpoint, through a file.</summary>
    public static void Go(GanTrainer from, GanTrainer to)
    {
        string file = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(file, Bytes(from));
            to.Resume(file);
        }
        finally
        {
            File.Delete(file);
        }
    }
}
