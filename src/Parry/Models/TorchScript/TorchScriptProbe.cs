using System.Security.Cryptography;
using Parry.Data;
using Parry.Runtime;

namespace Parry.Models.TorchScript;

/// <summary>
/// Whether LibTorch can compile a TorchScript file, found out in a process of its own. An error in a file's program, such as an operator that LibTorch lacks or an argument
/// of another type, ends the process that loads it, and nothing less than LibTorch's compiler finds them all. A program that opens files it does not trust says here how to
/// start such a process; <c>parry</c> does. Where none is said, only the archive's form is checked.
/// </summary>
public static class TorchScriptProbe
{
    /// <summary>From a file to the reason why LibTorch cannot load it; null when it can.</summary>
    public static Func<string, string?>? Process { get; set; }

    /// <summary>Loads a file in this process, which ends if LibTorch cannot compile it.</summary>
    public static void Load(string path) => ScriptedNetwork.Load(path).Dispose();

    /// <summary>The reason why a file cannot be loaded, or null. Asked once for each file: the answer is kept in the user's cache.</summary>
    internal static string? Refusal(string path)
    {
        if (Process is not { } process) return null;
        string hash;
        using (FileStream file = File.OpenRead(path)) hash = Convert.ToHexStringLower(SHA256.HashData(file));
        string known = Path.Combine(DataLocator.CacheFolder("torchscript"), $"{hash[..32]}-{TorchLibrary.Version}");
        if (File.Exists(known)) return null;
        if (process(path) is { } reason) return reason;
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(known)!);
            File.WriteAllBytes(known, []);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It is asked again next time.
        }

        return null;
    }
}
