using System.Text;
using Parry.Data.Files;

namespace Parry.Data.Formats;

/// <summary>
/// The binary version of CIFAR-10: records of one label byte and 3072 bytes of color planes, in files of at most 10,000
/// records, plain or gzip. It is enough to have some of the five training batches.
/// </summary>
internal sealed class CifarFormat : IDataFormat
{
    private const string TestBatch = "test_batch.bin";
    private const int RecordsPerFile = 10_000;
    private const int TrainingBatches = 5;
    private const int Classes = 10;
    private const int MaxMetaBytes = 4096;

    private static readonly ImageShape s_shape = new(3, 32, 32);
    private static readonly int s_recordBytes = 1 + s_shape.Pixels;

    public bool HasFiles(string folder, DataPart part) =>
        part == DataPart.Test ? InputFile.Find(folder, TestBatch) is not null : BatchesIn(folder).Length > 0;

    /// <summary>
    /// Reads the batches that are in the folder, in order; if some are missing, the set's name says which were read.
    /// </summary>
    public ImageSet ReadTraining(DataSet set, string folder)
    {
        int[] batches = BatchesIn(folder);
        string name = $"{set.Name} training";
        if (batches.Length < TrainingBatches)
            name += $" (batches {string.Join(", ", batches)} of {TrainingBatches})";
        return Read(set, folder, batches.Select(BatchFile).DefaultIfEmpty(BatchFile(1)), name);
    }

    public ImageSet ReadTest(DataSet set, string folder) => Read(set, folder, [TestBatch], $"{set.Name} test");

    internal static string BatchFile(int number) => $"data_batch_{number}.bin";

    /// <summary>Reads the records of one file.</summary>
    internal static byte[] ReadRecords(InputFile file)
    {
        byte[] bytes = file.ReadToEnd(
            RecordsPerFile * s_recordBytes,
            $"{RecordsPerFile} records of {s_recordBytes} bytes at most"
        );
        if (bytes.Length == 0 || bytes.Length % s_recordBytes != 0)
        {
            throw new UserErrorException(
                $"{file.Name}: expected whole records of {s_recordBytes} bytes, got {bytes.Length} bytes: the file is "
                    + "cut off or not CIFAR-10's binary version"
            );
        }

        for (int at = 0; at < bytes.Length; at += s_recordBytes)
        {
            if (bytes[at] >= Classes)
            {
                throw new UserErrorException(
                    $"{file.Name}: expected labels 0 to {Classes - 1}, got {bytes[at]} in record "
                        + $"{at / s_recordBytes}: get the original file again"
                );
            }
        }

        return bytes;
    }

    private static int[] BatchesIn(string folder) =>
        [.. Enumerable.Range(1, TrainingBatches).Where(i => InputFile.Find(folder, BatchFile(i)) is not null)];

    private static ImageSet Read(DataSet set, string folder, IEnumerable<string> names, string setName)
    {
        List<byte[]> files = [.. names.Select(name => ReadFile(folder, name))];
        int count = files.Sum(file => file.Length / s_recordBytes);
        var pixels = new byte[count * s_shape.Pixels];
        var labels = new int[count];
        int image = 0;
        foreach (byte[] file in files)
        {
            for (int at = 0; at < file.Length; at += s_recordBytes)
            {
                labels[image] = file[at];
                file.AsSpan(at + 1, s_shape.Pixels).CopyTo(pixels.AsSpan(image * s_shape.Pixels));
                image++;
            }
        }

        return new ImageSet(setName, s_shape, pixels, labels, ReadClassNames(set, folder));
    }

    private static byte[] ReadFile(string folder, string name)
    {
        // A path that does not exist gives the error of opening it.
        using InputFile file = InputFile.Open(InputFile.Find(folder, name) ?? Path.Combine(folder, name));
        return ReadRecords(file);
    }

    private static IReadOnlyList<string> ReadClassNames(DataSet set, string folder)
    {
        if (InputFile.Find(folder, "batches.meta.txt") is not { } path)
            return set.ClassNames;
        using InputFile file = InputFile.Open(path);
        string[] lines = Encoding
            .UTF8.GetString(file.ReadToEnd(MaxMetaBytes, "class names"))
            .Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return lines.Length == Classes
            ? lines
            : throw new UserErrorException(
                $"{path}: expected {Classes} class names, one a line, got {lines.Length}: repair or delete the file"
            );
    }
}
