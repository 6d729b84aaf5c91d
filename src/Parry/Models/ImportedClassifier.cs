using System.Runtime.InteropServices;
using Parry.Models.Architectures;
using Parry.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Parry.Models;

/// <summary>A network that Parry did not build, such as an ONNX graph or a TorchScript module, as a classifier: images in, logits out, with the file's own ways between. It owns the network.</summary>
internal sealed class ImportedClassifier : IClassifier, IDisposable
{
    private readonly Func<Tensor, Tensor> _run;
    private readonly IDisposable _network;
    private readonly bool _channelsLast;

    /// <summary>Puts a contract around a network.</summary>
    /// <param name="network">Freed with the classifier.</param>
    /// <param name="run">The network, from what <see cref="InputContract.ToModel"/> gives to outputs.</param>
    /// <param name="contract">Complete: what is still open in it holds as its defaults say.</param>
    /// <param name="shape">Of the images.</param>
    /// <param name="classes">The number of classes.</param>
    /// <param name="channelsLast">Whether it takes images whose channels lie innermost, which is faster; a view of a convolution's output does not.</param>
    public ImportedClassifier(
        IDisposable network, Func<Tensor, Tensor> run, InputContract contract, ImageShape shape, int classes, bool channelsLast = true) =>
        (_network, _run, Contract, Shape, Classes, _channelsLast) = (network, run, contract, shape, classes, channelsLast);

    /// <summary>How the network takes images and gives answers.</summary>
    public InputContract Contract { get; }

    /// <inheritdoc/>
    public ImageShape Shape { get; }

    /// <inheritdoc/>
    public int Classes { get; }

    /// <summary>
    /// Looks at what a network makes of three images of noise, and makes the classifier: the number of classes and, unless they are given, what the outputs
    /// are come from this look.
    /// </summary>
    /// <exception cref="UserErrorException">The contract is of other channels.</exception>
    /// <exception cref="InvalidDataException">The outputs are not one row of finite numbers for each image.</exception>
    public static ImportedClassifier Try(IDisposable network, Func<Tensor, Tensor> run, InputContract contract, ImageShape shape)
    {
        contract.CheckChannels(shape.Channels);
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        using var random = Devices.Generator(0);
        Tensor noise = rand([3, shape.Channels, shape.Height, shape.Width], generator: random);
        var (outputs, channelsLast) = Look(run, contract, noise);
        if (outputs.shape.Length == 0 || outputs.size(0) != 3) throw new InvalidDataException($"it gives {outputs.Describe()} for three images of {shape}; a row of scores for each was expected");
        Tensor rows = outputs.reshape(3, -1);
        if (rows.isfinite().all().ToDouble() == 0) throw new InvalidDataException($"it gives scores that are no finite numbers for images of {shape} in [0, 1]");
        int classes = contract.ClassesOf((int)rows.size(1));
        if (classes < 2) throw new InvalidDataException($"it gives {rows.size(1)} numbers for an image, of which {contract.Background} are no class; at least two classes were expected");
        if (contract.ClassNames is { } names && names.Count != classes)
            throw new InvalidDataException($"it tells {classes} classes apart, and {names.Count} are named: give one name for each class, or say how many of its outputs stand for no class");
        return new ImportedClassifier(network, run, contract with { Outputs = contract.Outputs ?? KindOf(rows), Size = shape }, shape, classes, channelsLast);
    }

    /// <inheritdoc/>
    public Tensor Logits(Tensor images) => Contract.ToLogits(_run(Contract.ToModel(_channelsLast ? ChannelsLast.Of(images) : images.contiguous())).to(ScalarType.Float32));

    /// <summary>Frees the network.</summary>
    public void Dispose() => _network.Dispose();

    // A network that joins dimensions by a view takes only contiguous images.
    private static (Tensor Outputs, bool ChannelsLast) Look(Func<Tensor, Tensor> run, InputContract contract, Tensor noise)
    {
        try
        {
            return (run(contract.ToModel(ChannelsLast.Of(noise))).to(ScalarType.Float32), true);
        }
        catch (ExternalException e) when (e.Message.Contains("view", StringComparison.Ordinal))
        {
            return (run(contract.ToModel(noise)).to(ScalarType.Float32), false);
        }
    }

    private static OutputKind KindOf(Tensor rows) =>
        rows.size(1) > 1 && rows.ToArray<float>().Chunk((int)rows.size(1)).All(row => InputContract.IsDistribution(row)) ? OutputKind.Probabilities : OutputKind.Logits;
}
