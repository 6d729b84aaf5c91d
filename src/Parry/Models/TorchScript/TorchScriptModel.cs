using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Parry.Data.Files;
using Parry.Runtime;

namespace Parry.Models.TorchScript;

/// <summary>
/// TorchScript files as classifiers. A file does not say what images it takes, so their shape must be known.
/// </summary>
internal static class TorchScriptModel
{
    private const string Recipe =
        "export it in Python with: model.eval(); torch.jit.trace(model, torch.zeros(1, 3, 224, "
        + "224)).save(\"model.pt\")";

    /// <summary>Loads a file, which the caller owns.</summary>
    /// <param name="path">The file.</param>
    /// <param name="given">What is known about its inputs and outputs.</param>
    /// <param name="images">The shape of the images at hand; null if it is not known.</param>
    /// <param name="classes">The number of their classes; null if it is not known.</param>
    /// <exception cref="InvalidDataException">The file is not TorchScript, or does not take such images.</exception>
    public static OpenedModel Load(string path, InputContract given, ImageShape? images, int? classes)
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
        int? outputs = (given.ClassNames?.Count ?? classes) + (given.Background ?? 0);
        ScriptedNetwork module = Read(path, sizes, outputs, given.Output);
        try
        {
            ImportedClassifier classifier = Try(path, module, given, shape);
            return new OpenedModel(classifier, null, classifier.Contract)
            {
                ReadLayers = () => ModelLayer.Of(module.Weights()),
                Choices = module.Choices,
            };
        }
        catch (Exception e)
        {
            module.Dispose();
            if (e is ExternalException)
                throw TorchScriptFailure.NotTaken(shape, TorchErrors.FirstLine(e.InnerException ?? e), Recipe, e);
            throw;
        }
    }

    /// <summary>
    /// The layers of a file, read from the names of its weights; the size of its images need not be known.
    /// </summary>
    /// <exception cref="InvalidDataException">The file is not TorchScript.</exception>
    public static IReadOnlyList<ModelLayer> Layers(string path)
    {
        using ScriptedNetwork module = Read(path, sizes: null, classes: null, output: null);
        return ModelLayer.Of(module.Weights());
    }

    // A module that was traced on one image may take only one.
    private static ImportedClassifier Try(string path, ScriptedNetwork module, InputContract given, ImageShape shape)
    {
        try
        {
            return ImportedClassifier.Try(path, module, module.Forward, given, shape);
        }
        catch (Exception e) when (e is ExternalException or InvalidDataException)
        {
            module.IsSingle = true;
            try
            {
                return ImportedClassifier.Try(path, module, module.Forward, given, shape);
            }
            catch (Exception single) when (single is ExternalException or InvalidDataException)
            {
                ExceptionDispatchInfo.Throw(e);
                throw;
            }
        }
    }

    private static ScriptedNetwork Read(string path, long[]? sizes, int? classes, string? output)
    {
        TorchScriptSignature? forward = CheckArchive(path);
        if (sizes is not null)
            forward?.Check();
        if (TorchScriptProbe.Refusal(path, sizes) is { } reason)
            throw TorchScriptFailure.Lacking(reason, Recipe, null);
        try
        {
            return ScriptedNetwork.Load(path, classes, forward?.Fields, output);
        }
        catch (ExternalException e)
        {
            throw TorchScriptFailure.Lacking(TorchErrors.FirstLine(e.InnerException ?? e), Recipe, e);
        }
    }

    // A state dictionary is a pickle, which is a program; recognize it before reading anything in it.
    private static TorchScriptSignature? CheckArchive(string path)
    {
        using FileStream file = RegularFile.Open(path);
        Span<byte> start = stackalloc byte[2];
        int got = file.ReadAtLeast(start, 2, throwOnEndOfStream: false);
        if (got == 2 && start[0] == 0x80)
            throw new InvalidDataException(
                $"it is a Python pickle, which can run any program when it is read: {Recipe}"
            );
        if (got == 0)
            throw new InvalidDataException("the file is empty: copy or export it again");
        if (got < 2 || start[0] != 'P' || start[1] != 'K')
            throw new InvalidDataException($"it is not a TorchScript archive: {Recipe}");
        file.Position = 0;
        return TorchScriptArchive.Check(file, Recipe);
    }
}
