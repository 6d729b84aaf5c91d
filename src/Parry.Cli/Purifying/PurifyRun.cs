using System.Globalization;
using Parry.Data;
using Parry.Data.Images;
using Parry.Defenses;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Cli.Purifying;

/// <summary>
/// Purifies images and writes them as a folder of class folders, in ranges: a range whose last picture is there was
/// finished by an earlier run and is not purified again.
/// </summary>
/// <param name="purifier">Purifies.</param>
/// <param name="folder">The folder; parts are folders in it.</param>
/// <param name="seed">Decides the purifier's draws.</param>
internal sealed class PurifyRun(IPurifier purifier, string folder, long seed)
{
    private const int RangeOnProcessor = 100;

    /// <summary>Images that were purified, by this run or an earlier one.</summary>
    public int Written { get; private set; }

    /// <summary>Those of an earlier run.</summary>
    public int TakenOver { get; private set; }

    /// <summary>The mean squared difference between the images of this run and their purified ones.</summary>
    public double MeanError => Written == TakenOver ? double.NaN : _errors / (Written - TakenOver);

    private double _errors;

    /// <summary>Purifies one part.</summary>
    /// <param name="part">The part, which names its folder and has draws of its own.</param>
    /// <param name="images">Its images.</param>
    /// <param name="line">Shows the progress.</param>
    /// <param name="cancellation">Stops between ranges.</param>
    public void Purify(DataPart part, ImageSet images, ProgressLine line, CancellationToken cancellation)
    {
        string name = FolderOf(part);
        int range = Devices.RowsAtOnce(RangeOnProcessor, 10 * images.Shape.Pixels);
        foreach (int label in Enumerable.Range(0, images.ClassNames.Count))
            Directory.CreateDirectory(Path.Combine(folder, name, ClassFolder(label, images)));
        for (int first = 0; first < images.Count; first += range)
        {
            cancellation.ThrowIfCancellationRequested();
            int count = Math.Min(range, images.Count - first);
            line.Show(() =>
                $"{name}: {first:N0} of {images.Count:N0} images, {line.TimeLeft((double)first / images.Count)}"
            );
            Written += count;
            if (File.Exists(PathOf(name, images, first + count - 1)))
                TakenOver += count;
            else
                Write(name, images, first, Purify(part, images.Slice(first, count), first));
        }
    }

    private byte[] Purify(DataPart part, ImageSet images, int first)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        long[] samples = [.. Enumerable.Range(first, images.Count).Select(index => (long)index)];
        SampleRandom random = new SampleRandom(seed, samples).Fork((long)part);
        Purified purified = purifier.Purify(images.ImageTensor(), random);
        _errors += purified.Errors.sum().Item();
        return (purified.Images * 255.0).round().clamp(0, 255).to(ScalarType.Byte).ToArray<byte>();
    }

    private void Write(string part, ImageSet images, int first, byte[] pixels)
    {
        int size = images.Shape.Pixels;
        for (int i = 0; i < pixels.Length / size; i++)
        {
            byte[] png = Png.Encode(pixels.AsSpan(i * size, size), images.Shape);
            AtomicFile.Write(PathOf(part, images, first + i), stream => stream.Write(png));
        }
    }

    private string PathOf(string part, ImageSet images, int index)
    {
        string file = index.ToString("000000", CultureInfo.InvariantCulture) + ".png";
        return Path.Combine(folder, part, ClassFolder(images.Labels[index], images), file);
    }

    // Of one length, so that their order as text is that of the classes.
    private static string ClassFolder(int label, ImageSet images)
    {
        int digits = (images.ClassNames.Count - 1).ToString(CultureInfo.InvariantCulture).Length;
        return label.ToString(CultureInfo.InvariantCulture).PadLeft(digits, '0');
    }

    private static string FolderOf(DataPart part) =>
        part switch
        {
            DataPart.Train => "train",
            DataPart.Validation => "val",
            _ => "test",
        };
}
