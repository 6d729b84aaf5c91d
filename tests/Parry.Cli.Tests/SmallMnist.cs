using System.Buffers.Binary;

namespace Parry.Cli.Tests;

/// <summary>
/// A folder with a data set in MNIST's format: 64 images to train on, 10,000 that validate, 40 to test. The class is
/// the bright row.
/// </summary>
internal sealed class SmallMnist : IDisposable
{
    private const int Side = 28;

    public SmallMnist(int training = 10_064)
    {
        Directory.CreateDirectory(Path.Combine(Folder, "mnist"));
        Write("train", training);
        Write("t10k", 40);
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("parry-mnist-").FullName;

    public string FileOf(string name) => Path.Combine(Folder, "mnist", name);

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private void Write(string part, int count)
    {
        var images = new byte[16 + (count * Side * Side)];
        var labels = new byte[8 + count];
        WriteHeader(images, 0x803, count, Side, Side);
        WriteHeader(labels, 0x801, count);
        for (int i = 0; i < count; i++)
        {
            labels[8 + i] = (byte)(i % 10);
            images.AsSpan(16 + (i * Side * Side) + (Side * (2 * (i % 10) + 4)), Side).Fill((byte)(200 + (i % 50)));
        }

        File.WriteAllBytes(FileOf($"{part}-images-idx3-ubyte"), images);
        File.WriteAllBytes(FileOf($"{part}-labels-idx1-ubyte"), labels);
    }

    private static void WriteHeader(byte[] file, params int[] numbers)
    {
        for (int i = 0; i < numbers.Length; i++)
            BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(4 * i), numbers[i]);
    }
}
