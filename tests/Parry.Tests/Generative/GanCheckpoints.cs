using Parry.Generative.Gans;
using Parry.Models.Files;

namespace Parry.Tests.Generative;

/// <summary>Checkpoints of trainings, as tests compare them and carry them from one to another.</summary>
internal static class GanCheckpoints
{
    /// <summary>The checkpoint's bytes.</summary>
    public static byte[] Bytes(IGanTrainer trainer)
    {
        using var stream = new MemoryStream();
        trainer.Save(stream);
        return stream.ToArray();
    }

    /// <summary>Lets a training go on from another's checkpoint, through a file.</summary>
    public static void Go(IGanTrainer from, IGanTrainer to)
    {
        string file = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(file, Bytes(from));
            using SafeTensorsFile checkpoint = SafeTensors.Read(file);
            to.Resume(checkpoint);
        }
        finally
        {
            File.Delete(file);
        }
    }
}
