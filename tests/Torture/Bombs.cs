using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Parry.Data.Files;

namespace Parry.Torture;

/// <summary>Small files that claim or unpack to much. Each must be refused quickly and with little memory.</summary>
internal static class Bombs
{
    private const long MostBytes = 2L << 30;
    private const int Large = 1 << 30;
    private static readonly TimeSpan s_most = TimeSpan.FromSeconds(30);

    private static readonly (string Name, Func<byte[]> Make)[] s_files =
    [
        ("zeros.idx3-ubyte.gz", () => Zeros(Large)),
        ("wide.png", () => Png(30_000, 30_000)),
        ("huge.png", () => Png(int.MaxValue, int.MaxValue)),
        ("header.safetensors", () => [.. Length(90 << 20), .. new byte[1000]]),
        ("negative.safetensors", () => [.. Length(-1), (byte)'{']),
        ("tensors.safetensors", EmptyTensors),
        ("deep.json", () => Encoding.ASCII.GetBytes(new string('[', 1_000_000))),
        ("deep.safetensors", () => [.. Length(1_000_000), .. Encoding.ASCII.GetBytes(new string('[', 1_000_000))]),
        ("zip.pt", ZipBomb),
        ("deep.onnx", () => [.. Enumerable.Repeat<byte[]>([0x3a, 0xff, 0xff, 0x7f], 100_000).SelectMany(part => part)]),
        ("lines.csv", () => Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("a.png,0\n", 2_100_000)))),
        ("line.csv", () => Encoding.ASCII.GetBytes("file,label\n" + new string('x', 50_000_000))),
        ("array.npy", () => Array("(1000000, 1000000, 1000000)")),
        ("fields.npy", () => Array(new string('1', 60_000))),
    ];

    /// <summary>Reads every bomb in every way that fits it, or as many as the time allows.</summary>
    public static void Run(Ordeal ordeal)
    {
        int runs = 0;
        long peak = 0;
        var files = s_files.ToArray();
        ordeal.Random.Shuffle(files);
        int read = 0;
        foreach (var (name, make) in files.TakeWhile(_ => ordeal.GoesOn(read)))
        {
            read++;
            string file = Path.Combine(ordeal.Folder, name);
            File.WriteAllBytes(file, make());
            foreach (string[] words in Readings(ordeal, file))
            {
                ParryRun run = ParryRun.Of(ParryRun.Start(ordeal.Folder, words), s_most);
                string what = $"{name} as {words[0]} {words[1]}";
                ordeal.Judge(what, run);
                if (run.Code == 0)
                    ordeal.Fail($"{what}: was accepted");
                if (run.PeakBytes > MostBytes)
                    ordeal.Fail($"{what}: took {run.PeakBytes >> 20} MiB");
                peak = Math.Max(peak, run.PeakBytes);
                runs++;
            }
        }

        ordeal.Summary = $"{read} of {files.Length} files read in {runs} ways, at most {peak >> 20} MiB";
    }

    private static IEnumerable<string[]> Readings(Ordeal ordeal, string file)
    {
        string[] data = ["--data", "mnist", "--data-dir", ordeal.Data];
        string[] attack = ["--attack", "fgsm:eps=0.1", "--count", "2"];
        string model = Path.Combine(ParryRun.Root, "models/mnist-e.safetensors");
        switch (Path.GetExtension(file))
        {
            case ".safetensors" or ".pt" or ".onnx":
                yield return ["model", "inspect", file];
                yield return ["attack", "--model", file, .. data, .. attack];
                break;
            case ".png":
                yield return ["attack", "--model", model, "--image", file, "--attack", "fgsm:eps=0.1"];
                break;
            case ".csv":
                yield return ["attack", "--model", model, "--data", file, .. attack];
                break;
            case ".npy":
                yield return ["verify", "--model", model, "--images", file, "--originals", .. data[1..]];
                break;
            case ".json":
                yield return ["attack", "--model", model, .. data, .. attack, "--labels", file];
                break;
            default:
                string folder = Directory.CreateDirectory(Path.Combine(ordeal.Folder, "bomb", "mnist")).FullName;
                File.Copy(file, Path.Combine(folder, "t10k-images-idx3-ubyte.gz"), overwrite: true);
                File.Copy(
                    Path.Combine(ordeal.Data, "mnist", "t10k-labels-idx1-ubyte"),
                    Path.Combine(folder, "t10k-labels-idx1-ubyte"),
                    overwrite: true
                );
                string bomb = Path.Combine(ordeal.Folder, "bomb");
                yield return ["attack", "--model", model, "--data", "mnist", "--data-dir", bomb, .. attack];
                break;
        }
    }

    private static byte[] Length(long length)
    {
        var bytes = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, length);
        return bytes;
    }

    private static byte[] Zeros(int count)
    {
        using var memory = new MemoryStream();
        using (var gzip = new GZipStream(memory, CompressionLevel.SmallestSize))
        {
            gzip.Write([0, 0, 8, 3, 0, 0, 0x27, 0x10, 0, 0, 0, 28, 0, 0, 0, 28]);
            var block = new byte[1 << 20];
            for (int i = 0; i < count; i += block.Length)
                gzip.Write(block);
        }

        return memory.ToArray();
    }

    private static byte[] EmptyTensors()
    {
        IEnumerable<string> tensors = Enumerable
            .Range(0, 150_000)
            .Select(i => $"\"t{i}\":{{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}");
        byte[] header = Encoding.ASCII.GetBytes($"{{{string.Join(',', tensors)}}}");
        return [.. Length(header.Length), .. header];
    }

    private static byte[] ZipBomb()
    {
        using var memory = new MemoryStream();
        using (var zip = new ZipArchive(memory, ZipArchiveMode.Create))
        {
            foreach (
                string name in (string[])["archive/data.pkl", "archive/constants.pkl", "archive/code/__torch__.py"]
            )
            {
                using Stream entry = zip.CreateEntry(name, CompressionLevel.SmallestSize).Open();
                var block = new byte[1 << 20];
                for (int i = 0; i < 1024; i++)
                    entry.Write(block);
            }
        }

        return memory.ToArray();
    }

    private static byte[] Array(string shape)
    {
        string header = $"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}";
        byte[] length = [(byte)header.Length, (byte)(header.Length >> 8)];
        return [0x93, .. "NUMPY"u8, 1, 0, .. length, .. Encoding.ASCII.GetBytes(header), .. new byte[16]];
    }

    // A gray picture whose pixels are missing.
    private static byte[] Png(int width, int height)
    {
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        header[8] = 8;
        byte[] data = Zeros(1 << 20)[10..];
        return [0x89, .. "PNG\r\n\x1a\n"u8, .. Chunk("IHDR", header), .. Chunk("IDAT", data), .. Chunk("IEND", [])];
    }

    private static byte[] Chunk(string kind, byte[] data)
    {
        var length = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, data.Length);
        byte[] content = [.. Encoding.ASCII.GetBytes(kind), .. data];
        var sum = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(sum, Crc32.Of(content));
        return [.. length, .. content, .. sum];
    }
}
