using System.IO.Compression;
using System.Text;

namespace Parry.Tests.Models;

/// <summary>Writes the smallest TorchScript archives: a module of one flag and a forward in TorchScript's Python.</summary>
internal static class TorchScriptFile
{
    public static void Write(string path, string forward)
    {
        using var archive = new ZipArchive(File.Create(path), ZipArchiveMode.Create);
        // Pickles, protocol 2: an object of __torch__.Small with the state {"training": True}, and an empty tuple.
        Add(archive, "data.pkl", Latin("\u0080\u0002c__torch__\nSmall\n)\u0081}(X\u0008\0\0\0training\u0088ub."));
        Add(archive, "constants.pkl", Latin("\u0080\u0002)."));
        Add(archive, "version", "3\n"u8.ToArray());
        Add(archive, "code/__torch__.py", Encoding.UTF8.GetBytes($"""
            class Small(Module):
              __parameters__ = []
              __buffers__ = []
              training : bool
              def forward(self: __torch__.Small,
                x: Tensor) -> Tensor:
            {string.Concat(forward.Split('\n').Select(line => "    " + line + "\n"))}
            """));
    }

    private static byte[] Latin(string text) => Encoding.Latin1.GetBytes(text);

    private static void Add(ZipArchive archive, string name, byte[] content)
    {
        using Stream entry = archive.CreateEntry("small/" + name, CompressionLevel.NoCompression).Open();
        entry.Write(content);
    }
}
