using System.IO.Compression;
using System.Text;

namespace Parry.Tests.Models;

/// <summary>
/// Writes the smallest TorchScript archives: a module of one flag and a forward in TorchScript's Python.
/// </summary>
internal static class TorchScriptFile
{
    private const string Head = """
        class Small(Module):
          __parameters__ = []
          __buffers__ = []
          training : bool
          def scaled(self: __torch__.Small,
            x: Tensor) -> Tensor:
            return torch.flatten(torch.mul(x, 2), 1)

        """;
    private const string Functions = """
        def half(x: Tensor) -> Tensor:
          return torch.mul(x, 0.5)

        """;

    /// <summary>Writes a module.</summary>
    /// <param name="path">The file.</param>
    /// <param name="forward">The statements of forward(x).</param>
    /// <param name="gives">What forward gives.</param>
    public static void Write(string path, string forward, string gives = "Tensor") =>
        WriteCode(
            path,
            $"""
            {Functions}{Head}  def forward(self: __torch__.Small,
                x: Tensor) -> {gives}:
            {string.Concat(forward.Split('\n').Select(line => "    " + line + "\n"))}
            """
        );

    /// <summary>Writes a module with a member of some type, which no value is given for.</summary>
    public static void WriteMember(string path, string type) =>
        WriteCode(
            path,
            $"{Head}  more : {type}\n  def forward(self: __torch__.Small,\n    x: Tensor) -> Tensor:\n    return x\n"
        );

    /// <summary>Writes a module that multiplies an image's values with a weight of [values, 3], all 0.5.</summary>
    /// <param name="path">The file.</param>
    /// <param name="kind">The kind of its weight's numbers, as pickles name it: HalfStorage, DoubleStorage.</param>
    /// <param name="half">0.5 as such a number.</param>
    /// <param name="rows">The number of values of an image.</param>
    public static void WriteWeight(string path, string kind, byte[] half, int rows)
    {
        const string Code = """
            class Small(Module):
              __parameters__ = ["weight", ]
              __buffers__ = []
              weight : Tensor
              training : bool
              def forward(self: __torch__.Small,
                x: Tensor) -> Tensor:
                return torch.matmul(torch.flatten(x, 1), self.weight)

            """;
        int count = 3 * rows;
        string storage = $"X\u0007\0\0\0storagectorch\n{kind}\nX\u0001\0\0\00X\u0003\0\0\0cpuK{(char)count}";
        string strided = $"K\0(K{(char)rows}K\u0003t(K\u0003K\u0001t\u0089ccollections\nOrderedDict\n)R";
        string weight = $"ctorch._utils\n_rebuild_tensor_v2\n(({storage}tQ{strided}tR";
        string state = $"X\u0008\0\0\0training\u0088X\u0006\0\0\0weight{weight}";
        using var archive = new ZipArchive(File.Create(path), ZipArchiveMode.Create);
        Add(archive, "data.pkl", Latin($"\u0080\u0002c__torch__\nSmall\n)\u0081}}({state}ub."));
        Add(archive, "constants.pkl", Latin("\u0080\u0002)."));
        Add(archive, "version", "3\n"u8.ToArray());
        Add(archive, "code/__torch__.py", Encoding.UTF8.GetBytes(Code));
        Add(archive, "data/0", [.. Enumerable.Repeat(half, count).SelectMany(bytes => bytes)]);
    }

    /// <summary>A whole file with up to three bytes changed, or cut short.</summary>
    public static byte[] Mutated(byte[] whole, Random random, bool cut)
    {
        byte[] bytes = [.. whole];
        for (int i = random.Next(1, 4); i > 0; i--)
            bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
        return cut ? bytes[..random.Next(bytes.Length)] : bytes;
    }

    /// <summary>
    /// Writes an archive's parts again, one of them with up to three bytes changed and a right checksum.
    /// </summary>
    public static void Forge(string from, string to, Random random)
    {
        File.Delete(to);
        using ZipArchive whole = ZipFile.OpenRead(from);
        using ZipArchive forged = ZipFile.Open(to, ZipArchiveMode.Create);
        int changed = random.Next(whole.Entries.Count);
        for (int i = 0; i < whole.Entries.Count; i++)
        {
            byte[] bytes = new byte[whole.Entries[i].Length];
            using (Stream part = whole.Entries[i].Open())
                part.ReadExactly(bytes);
            if (i == changed)
                bytes = Mutated(bytes, random, cut: false);
            using Stream copy = forged.CreateEntry(whole.Entries[i].FullName, CompressionLevel.NoCompression).Open();
            copy.Write(bytes);
        }
    }

    /// <summary>Writes an archive with this code, whose values are those of a class of one flag.</summary>
    public static void WriteCode(string path, string code)
    {
        using var archive = new ZipArchive(File.Create(path), ZipArchiveMode.Create);
        // Pickles, protocol 2: an object of __torch__.Small with the state {"training": True}, and an empty tuple.
        Add(archive, "data.pkl", Latin("\u0080\u0002c__torch__\nSmall\n)\u0081}(X\u0008\0\0\0training\u0088ub."));
        Add(archive, "constants.pkl", Latin("\u0080\u0002)."));
        Add(archive, "version", "3\n"u8.ToArray());
        Add(archive, "code/__torch__.py", Encoding.UTF8.GetBytes(code));
    }

    private static byte[] Latin(string text) => Encoding.Latin1.GetBytes(text);

    private static void Add(ZipArchive archive, string name, byte[] content)
    {
        using Stream entry = archive.CreateEntry("small/" + name, CompressionLevel.NoCompression).Open();
        entry.Write(content);
    }
}
