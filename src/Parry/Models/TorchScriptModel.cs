using System.IO.Compression;
using Parry.Torch;

namespace Parry.Models;

/// <summary>TorchScript files as classifiers. A file says nothing of the images it takes, so these must be known.</summary>
internal static class TorchScriptModel
{
    private const long LargestCode = 64 << 20;
    private const string Recipe = "export it in Python with: model.eval(); torch.jit.trace(model, torch.zeros(1, 3, 224, 224)).save(\"model.pt\")";

    /// <summary>Loads a file, which the caller owns.</summary>
    /// <exception cref="InvalidDataException">It is no TorchScript, or does not take such images.</exception>
    public static (ImportedClassifier Classifier, Func<IReadOnlyList<ModelLayer>> Layers) Load(string path, InputContract given, ImageShape? images)
    {
        if (given.Size is null && images is null) CheckArchive(path);
        ImageShape shape = given.Size ?? images ?? throw new InvalidDataException("a TorchScript file does not say the size of its images: give it (--input-size, as 3x224x224)");
        ScriptModule module = Read(path);
        try
        {
            return (ImportedClassifier.Try(module, module.Forward, given, shape), () => ModelLayer.Of(module.Weights()));
        }
        catch (Exception e)
        {
            module.Dispose();
            if (e is TorchException) throw new InvalidDataException($"it does not take images of {shape} ({LastLine(e)}): give its own size (--input-size), or a model for this data", e);
            throw;
        }
    }

    /// <summary>The layers of a file, as its weights' names show them; the size of its images need not be known.</summary>
    /// <exception cref="InvalidDataException">It is no TorchScript.</exception>
    public static IReadOnlyList<ModelLayer> Layers(string path)
    {
        using ScriptModule module = Read(path);
        return ModelLayer.Of(module.Weights());
    }

    private static ScriptModule Read(string path)
    {
        CheckArchive(path);
        try
        {
            return ScriptModule.Load(path);
        }
        catch (TorchException e)
        {
            throw new InvalidDataException($"it needs what this LibTorch lacks, or is damaged ({LastLine(e)}): {Recipe}, with a PyTorch no newer than this LibTorch ({TorchThreads.Version})", e);
        }
    }

    // A state dictionary is a pickle, which is a program; it is told apart before anything of it is read.
    private static void CheckArchive(string path)
    {
        using FileStream file = File.OpenRead(path);
        Span<byte> start = stackalloc byte[2];
        int got = file.ReadAtLeast(start, 2, throwOnEndOfStream: false);
        if (got == 2 && start[0] == 0x80) throw new InvalidDataException($"it is a Python pickle, which can run any program when it is read: {Recipe}");
        if (got < 2 || start[0] != 'P' || start[1] != 'K') throw new InvalidDataException($"it is no TorchScript archive: {Recipe}");
        file.Position = 0;
        using var archive = new ZipArchive(file, ZipArchiveMode.Read);
        string[] names = [.. archive.Entries.Select(entry => entry.FullName)];
        if (!Array.Exists(names, name => name.Contains("/code/", StringComparison.Ordinal)))
        {
            throw new InvalidDataException(Array.Exists(names, name => name.EndsWith(".pkl", StringComparison.Ordinal))
                ? $"it is a Python pickle (a state dictionary), which can run any program when it is read, and holds no network: {Recipe}"
                : $"it is no TorchScript archive: {Recipe}");
        }

        // LibTorch believes what an archive says of itself; damage must be seen before.
        foreach (ZipArchiveEntry entry in archive.Entries)
        {
            if (entry.Length > Math.Max(entry.CompressedLength, LargestCode)) throw new InvalidDataException($"its part {entry.FullName} unpacks to {entry.Length} bytes; at most {LargestCode} of code were expected");
            using Stream part = entry.Open();
            if (Crc32.Of(part) != entry.Crc32) throw new InvalidDataException($"its part {entry.FullName} is damaged (its checksum is wrong): copy the file again");
        }
    }

    private static string LastLine(Exception e) => e.Message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).LastOrDefault() ?? "no reason";
}
