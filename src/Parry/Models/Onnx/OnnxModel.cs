using Parry.Models.Onnx.Files;
using Parry.Models.Onnx.Operators;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Models.Onnx;

/// <summary>
/// ONNX files as classifiers: finds the input that takes the images, the output that holds the scores, and how many
/// images the graph takes at once.
/// </summary>
internal sealed class OnnxModel
{
    // GiB for the trial runs.
    private const double UsualMemory = 1;

    private readonly string _path;
    private readonly OnnxFile _file;
    private readonly OnnxInput _input;

    private OnnxModel(string path, OnnxFile file, OnnxInput input) => (_path, _file, _input) = (path, file, input);

    /// <summary>Loads a file, which the caller owns.</summary>
    /// <param name="path">The file.</param>
    /// <param name="given">What is known about its inputs and outputs; it overrides what the file says.</param>
    /// <param name="images">The shape of the images at hand, for sizes that are open in the file.</param>
    /// <param name="classes">The number of their classes, which tells outputs apart.</param>
    /// <exception cref="InvalidDataException">The file is damaged, hostile, or not an image classifier that can be
    /// run.</exception>
    public static OpenedModel Load(string path, InputContract given, ImageShape? images, int? classes)
    {
        OnnxFile file = OnnxFile.Read(path);
        var input = OnnxInput.Of(file, given.Or(InputContract.FromMetadata(file.Metadata)), images);
        string output = OnnxOutputs.Choose(file, input.Contract, classes);
        using var guard = new OnnxGuard(input.Contract.Memory ?? UsualMemory);
        var model = new OnnxModel(path, file, input);
        var (classifier, network) = model.WithoutHead(output) ?? model.Open(output, input.Contract);
        return new OpenedModel(classifier, null, classifier.Contract)
        {
            ReadLayers = () => network.Layers(input.Sizes, input.Type),
            Notes = network.Notes,
            Choices = file.Outputs.Count > 1 ? $"its outputs are {OnnxOutputs.List(file)}: choose one (--output)" : "",
        };
    }

    private (ImportedClassifier, OnnxNetwork)? WithoutHead(string output)
    {
        if (_input.Contract.Outputs == OutputKind.Logits || OnnxHead.Find(_file, output) is not { } head)
            return null;
        try
        {
            var (classifier, network) = Open(head.Scores, _input.Contract with { Outputs = OutputKind.Logits });
            if (head.Fits(network.OutputShape))
                return (classifier, network);
            classifier.Dispose();
            return null;
        }
        catch (InvalidDataException)
        {
            // As it stands, the file may be fine, or says better what is wrong with it.
            return null;
        }
    }

    // Many files declare the batch size of their export, or have it in their reshapes, but can process others.
    private (ImportedClassifier Classifier, OnnxNetwork Network) Open(string output, InputContract contract)
    {
        if (_input.Batch is { } declared)
            return Freed(output, contract, declared) ?? Make(output, contract, declared, null);
        try
        {
            return Make(output, contract, null, null);
        }
        catch (InvalidDataException)
        {
            foreach (long batch in BakedBatches(output))
            {
                if ((Freed(output, contract, batch) ?? Fixed(output, contract, batch)) is { } made)
                    return made;
            }

            throw;
        }
    }

    private long[] BakedBatches(string output)
    {
        using var graph = new OnnxGraph(_file, _input.Name, output);
        return graph.BakedBatches();
    }

    private (ImportedClassifier, OnnxNetwork)? Fixed(string output, InputContract contract, long batch)
    {
        try
        {
            return Make(output, contract, batch, null);
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    private (ImportedClassifier, OnnxNetwork)? Freed(string output, InputContract contract, long batch)
    {
        try
        {
            var any = Make(output, contract, null, batch);
            if (GivesTheSame(any.Network, batch))
                return any;
            any.Classifier.Dispose();
            return null;
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    private (ImportedClassifier Classifier, OnnxNetwork Network) Make(
        string output,
        InputContract contract,
        long? batch,
        long? freed
    )
    {
        OnnxGuard.Restart();
        var graph = new OnnxGraph(_file, _input.Name, output);
        OnnxNetwork made;
        try
        {
            if (freed is { } exported)
                graph.FreeBatch(exported);
            if (contract.StraightThrough)
                graph.PassGradients();
            made = new OnnxNetwork(graph, _input.Sizes, _input.Type, batch);
        }
        catch
        {
            graph.Dispose();
            throw;
        }

        try
        {
            Tensor Run(Tensor taken) => made.Run(_input.Take(taken));
            return (ImportedClassifier.Try(_path, made, Run, contract, _input.Shape), made);
        }
        catch
        {
            made.Dispose();
            throw;
        }
    }

    private bool GivesTheSame(OnnxNetwork network, long batch)
    {
        OnnxGuard.Claim([batch + 1, .. _input.Sizes]);
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        using var random = Devices.Generator(1);
        Tensor images = random.Uniform([batch + 1, .. _input.Sizes]).to(_input.Type);
        Tensor all = network.Run(images);
        Tensor asExported = network.Run(images.slice(0, 0, batch, 1));
        Tensor last = network.Run(images.slice(0, 1, batch + 1, 1));
        double least =
            1e-4
            * Math.Max(1, all.abs().amax([.. Enumerable.Range(0, all.shape.Length).Select(axis => (long)axis)]).Item());
        return Near(all.slice(0, 0, batch, 1), asExported) && Near(all.slice(0, 1, batch + 1, 1), last);

        bool Near(Tensor first, Tensor second) =>
            first.shape.SequenceEqual(second.shape) && (first - second).abs().reshape(-1).amax([0]).Item() <= least;
    }
}
