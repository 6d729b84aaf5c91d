using Parry.Attacks;
using Parry.Catalogs;
using Parry.Data;
using Parry.Data.Formats;
using Parry.Data.Images;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Cli.Attacking;

/// <summary>
/// Writes adversarial images, a folder for each attack and budget. A full disk costs pictures, not rows.
/// </summary>
/// <param name="folder">The folder.</param>
/// <param name="model">Names the files NUMBER-TRUE-PREDICTED, by what it predicts of the saved picture.</param>
/// <param name="lossless">Whether the images are also written as arrays of float32.</param>
internal sealed class PictureWriter(RunFolder folder, IPredictor model, bool lossless)
{
    private int _lost;
    private int _written;

    /// <summary>Why images could not be written; null if they could.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>How many pictures lost their effect in 8 bits; null if none did.</summary>
    public string? Note =>
        _lost == 0
            ? null
            : $"{_lost} of {_written} pictures lose their effect in 8 bits per value, also with the perturbation "
                + "rounded up; their names say what the model predicts of them."
                + (lossless ? "" : " With --lossless the images are written as arrays, too.");

    /// <summary>Writes the images on which an attack reached its goal.</summary>
    /// <param name="attack">The attack.</param>
    /// <param name="images">The clean images with their classes.</param>
    /// <param name="clean">The clean images, [N, C, H, W] in [0, 1].</param>
    /// <param name="goal">The attack's goal.</param>
    /// <param name="result">What the attack did to them.</param>
    /// <param name="first">The number of the first image.</param>
    public void Write(AttackSpec attack, ImageSet images, Tensor clean, Goal goal, AttackResult result, int first)
    {
        if (Failure is not null)
            return;
        string name = result.Epsilon is { } epsilon ? $"{attack.Name}-{epsilon:0.######}" : attack.Name;
        using var scope = NewDisposeScope();
        var (saved, reached) = Rounding.Saved(result, clean, model, goal, first);
        long[] predicted = Predictions.Of(model, saved, first);
        byte[] pixels = (saved * 255.0).round().to(ScalarType.Byte).ToArray<byte>();
        int size = images.Shape.Pixels;
        (int Row, string File)[] files =
        [
            .. Enumerable
                .Range(0, predicted.Length)
                .Where(i => result.Succeeded[i])
                .Select(i => (i, $"{name}/{first + i:00000}-{images.Labels[i]}-{predicted[i]}.png")),
        ];
        _written += files.Length;
        _lost += files.Count(file => !reached[file.Row]);
        try
        {
            folder.Claim(files.Select(file => file.File));
            foreach (var (row, file) in files)
            {
                byte[] png = Png.Encode(pixels.AsSpan(row * size, size), images.Shape);
                AtomicFile.Write(Path.Combine(folder.FullPath, file), stream => stream.Write(png));
            }

            if (lossless)
                WriteArrays(name, images, result, first);
        }
        catch (Exception e) when (e is IOException or UserErrorException)
        {
            Failure = e;
        }
    }

    private void WriteArrays(string name, ImageSet images, AttackResult result, int first)
    {
        long[] predicted = Predictions.Of(model, result.Images, first);
        for (int i = 0; i < predicted.Length; i++)
        {
            if (!result.Succeeded[i])
                continue;
            string file = $"{name}/{first + i:00000}-{images.Labels[i]}-{predicted[i]}.npy";
            folder.Claim(file);
            using Tensor image = result.Images[i];
            NpyFile.Write(Path.Combine(folder.FullPath, file), image);
        }
    }
}
