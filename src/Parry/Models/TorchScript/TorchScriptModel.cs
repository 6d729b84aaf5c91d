using System.Runtime.InteropServices;
using Parry.Runtime;

namespace Parry.Models.TorchScript;

/// <summary>
/// TorchScript files as classifiers. A file does not say what images it takes, so their shape must be known.
/// </summary>
internal static class TorchScriptModel
{
    private const int LongestReason = 200;
    private const string Recipe =
        "export it in Python with: model.eval(); torch.jit.trace(model, torch.zeros(1, 3, 224, "
        + "224)).save(\"model.pt\")";

    /// <summary>Loads a file, which the caller owns.</summary>
    /// <exception cref="InvalidDataException">The file is not TorchScript, or does not take such images.</exception>
    public static (ImportedClassifier Classifier, Func<IReadOnlyList<ModelLayer>> Layers) Load(
        string path,
        InputContract given,
        ImageShape? images
    )
    {
        if (given.Size is null && images is null)
            CheckArchive(path);
        ImageShape shape =
            given.Size
            ?? images
            ?? throw new InvalidDataException(
                "a TorchScript file does not say the size of its images: give it (--input-size, such as 3x224x224)"
            );
        long[] sizes =
            given.Layout == ImageLayout.Nhwc
                ? [ImportedClassifier.Tried, shape.Height, shape.Width, shape.Channels]
                : [ImportedClassifier.Tried, shape.Channels, shape.Height, shape.Width];
        ScriptedNetwork module = Read(path, sizes);
        try
        {
            return (
                ImportedClassifier.Try(path, module, module.Forward, given, shape),
                () => ModelLayer.Of(module.Weights())
            );
        }
        catch (Exception e)
        {
            module.Dispose();
            if (e is ExternalException)
                throw NotTaken(shape, TorchErrors.FirstLine(e.InnerException ?? e), e);
            throw;
        }
    }

    /// <summary>
    /// The layers of a file, read from the names of its weights; the size of its images need not be known.
    /// </summary>
    /// <exception cref="InvalidDataException">The file is not TorchScript.</exception>
    public static IReadOnlyList<ModelLayer> Layers(string path)
    {
        using ScriptedNetwork module = Read(path, sizes: null);
        return ModelLayer.Of(module.Weights());
    }

    private static ScriptedNetwork Read(string path, long[]? sizes)
    {
        CheckArchive(path);
        if (TorchScriptProbe.Refusal(path, sizes) is { } reason)
            throw Lacking(reason, null);
        try
        {
            return ScriptedNetwork.Load(path);
        }
        catch (ExternalException e)
        {
            throw Lacking(TorchErrors.FirstLine(e.InnerException ?? e), e);
        }
    }

    private static InvalidDataException NotTaken(ImageShape shape, string reason, Exception cause) =>
        new(
            reason.Contains("'CUDA' backend", StringComparison.Ordinal)
                ? $"it was traced on a GPU, and its code names that device: {Recipe} with the model on the CPU"
                : $"it does not take images of {shape} ({Excerpt.Of(reason, LongestReason)}): "
                    + "give its own size (--input-size), or a model for this data",
            cause
        );

    private static InvalidDataException Lacking(string reason, Exception? cause) =>
        new(
            "it needs operators that this LibTorch does not have, or is damaged "
                + $"({Excerpt.Of(reason, LongestReason)}): {Recipe}, with a PyTorch no newer than this LibTorch "
                + $"({TorchLibrary.Version})",
            cause
        );

    // A state dictionary is a pickle, which is a program; recognize it before reading anything in it.
    private static void CheckArchive(string path)
    {
        using FileStream file = File.OpenRead(path);
        Span<byte> start = stackalloc byte[2];
        int got = file.ReadAtLeast(start, 2, throwOnEndOfStream: false);
        if (got == 2 && start[0] == 0x80)
            throw new InvalidDataException(
                $"it is a Python pickle, which can run any program when it is read: {Recipe}"
            );
        if (got < 2 || start[0] != 'P' || start[1] != 'K')
            throw new InvalidDataException($"it is not a TorchScript archive: {Recipe}");
        file.Position = 0;
        TorchScriptArchive.Check(file, Recipe);
    }
}
