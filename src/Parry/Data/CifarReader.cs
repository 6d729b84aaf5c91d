using System.Text;

namespace Parry.Data;

/// <summary>
/// Reads the binary version of CIFAR-10: records of one label byte and 3072 bytes of color planes, in files of at most
/// 10,000 records, plain or gzip as the content says.
/// </summary>
public static class CifarReader
{
    private const int RecordsPerFile = 10_000;
    private const int TrainingBatches = 5;
    private const int Classes = 10;
    private const int MaxMetaBytes = 4096;

    private static readonly ImageShape s_shape = new(3, 32, 32);
    private static readonly int s_recordBytes = 1 + s_shape.Pixels;

    /// <summary>
    /// Reads the training batches that are in the folder, in order; the set's name says which, unless all five are
    /// there.
    /// </summary>
    /// <exception cref="UserErrorException">None is there, or one is cut off, corrupt, or too long.</exception>
    public static ImageSet ReadTraining(string folder)
    {
        var batches = Enumerable
            .Range(1, TrainingBatches)
            .Where(i => InputFile.Find(folder, BatchFile(i)) is not null)
            .ToArray();
        var name =
            batches.Length == TrainingBatches
                ? "cifar10 training"
                : $"cifar10 training (batches {string.Join(", ", batches)} of {TrainingBatches})";
        return Read(folder, batches.Select(BatchFile).DefaultIfEmpty(BatchFile(1)), name);
    }

    /// <summary>Reads the test batch.</summary>
    /// <exception cref="UserErrorException">It is missing, cut off, corrupt, or too long.</exception>
    public static ImageSet ReadTest(string folder) => Read(folder, ["test_batch.bin"], "cifar10 test");

    internal static string BatchFile(int number) => $"data_batch_{number}.bin";

    /// <summary>Reads the records of one file.</summary>
    internal static byte[] ReadRecords(InputFile file)
    {
        var bytes = file.ReadToEnd(
            RecordsPerFile * s_recordBytes,
            $"{RecordsPerFile} records of {s_recordBytes} bytes at most"
        );
        if (bytes.Length == 0 || bytes.Length % s_recordBytes != 0)
        {
            throw new UserErrorException(
                $"{file.Name}: expected whole records of {s_recordBytes} bytes, got {bytes.Length} bytes: the file "
                    + $"is cut off or not CIFAR-10's binary version"
            );
        }

        for (var at = 0; at < bytes.Length; at += s_recordBytes)
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

    private static ImageSet Read(string folder, IEnumerable<string> names, string setName)
    {
        var files = names
            .Select(name =>
            {
                using var file = InputFile.Open(InputFile.Find(folder, name) ?? Path.Combine(folder, name));
                return ReadRecords(file);
            })
            .ToList();

        var count = files.Sum(file => file.Length / s_recordBytes);
        var pixels = new byte[count * s_shape.Pixels];
        var labels = new int[count];
        var image = 0;
        foreach (var file in files)
        {
            for (var at = 0; at < file.Length; at += s_recordBytes, image++)
            {
                labels[image] = file[at];
                file.AsSpan(at + 1, s_shape.Pixels).CopyTo(pixels.AsSpan(image * s_shape.Pixels));
            }
        }

        return new ImageSet(setName, s_shape, pixels, labels, ReadClassNames(folder));
    }

    private static IReadOnlyList<string> ReadClassNames(string folder)
    {
        if (InputFile.Find(folder, "batches.meta.txt") is not { } path)
        {
            return DataSets.Cifar10.ClassNames;
        }

        using var file = InputFile.Open(path);
        var lines = Encoding
            .UTF8.GetString(file.ReadToEnd(MaxMetaBytes, "class names"))
            .Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return lines.Length == Classes
            ? lines
            : throw new UserErrorException(
                $"{path}: expected {Classes} class names, one a line, got {lines.Length}: repair or delete the file"
            );
    }
}
