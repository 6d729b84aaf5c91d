using System.Runtime.InteropServices;
using Parry.Models.Architectures.Layers;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Models;

/// <summary>
/// A network that Parry did not build, such as an ONNX graph or a TorchScript module, as a classifier from images to
/// logits, with the input contract of the file between. It owns the network.
/// </summary>
internal sealed class ImportedClassifier : IClassifier, IDisposable
{
    /// <summary>The number of images in the trial run of a network.</summary>
    internal const int Tried = 3;

    private const double SameLogits = 1e-3;

    private readonly Func<Tensor, Tensor> _run;
    private readonly IDisposable _network;
    private readonly string _name;
    private readonly bool _channelsLast;
    private readonly bool _changesInput;

    /// <summary>Wraps a network with its contract.</summary>
    /// <param name="name">The file of the network, for error messages.</param>
    /// <param name="network">The owned network, disposed of with the classifier.</param>
    /// <param name="run">Runs the network on what <see cref="InputContract.ToModel"/> returns.</param>
    /// <param name="contract">The complete contract; what is null in it has its default.</param>
    /// <param name="shape">The shape of the images.</param>
    /// <param name="classes">The number of classes.</param>
    /// <param name="channelsLast">Whether the network accepts images with the channels innermost in memory, which is
    /// faster.</param>
    /// <param name="changesInput">Whether the network overwrites its input, which then must be a copy.</param>
    private ImportedClassifier(
        string name,
        IDisposable network,
        Func<Tensor, Tensor> run,
        InputContract contract,
        ImageShape shape,
        int classes,
        bool channelsLast,
        bool changesInput
    )
    {
        (_name, _network, _run, _channelsLast, _changesInput) = (name, network, run, channelsLast, changesInput);
        (Contract, Shape, Classes) = (contract, shape, classes);
    }

    /// <summary>How the network takes images and what it returns.</summary>
    public InputContract Contract { get; }

    /// <inheritdoc/>
    public ImageShape Shape { get; }

    /// <inheritdoc/>
    public int Classes { get; }

    /// <summary>Whether the network gets images with the channels innermost in memory.</summary>
    internal bool IsChannelsLast => _channelsLast;

    /// <summary>
    /// Makes the classifier after running the network on three images of noise. From the outputs it infers the number
    /// of classes, what the outputs are unless that is given, and the layout in memory: a network that calls
    /// <c>view</c> on its maps may take only one layout.
    /// </summary>
    /// <exception cref="UserErrorException">The contract is for another number of channels.</exception>
    /// <exception cref="InvalidDataException">The network does not return one row of finite numbers for each
    /// image.</exception>
    /// <exception cref="ExternalException">The network does not accept such images.</exception>
    public static ImportedClassifier Try(
        string name,
        IDisposable network,
        Func<Tensor, Tensor> run,
        InputContract contract,
        ImageShape shape
    )
    {
        contract.CheckChannels(shape.Channels);
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        using var random = new Generator(0);
        using IDisposable? watch = PassTimeout.Watch(name);
        Tensor images = random.Uniform(Tried, shape.Channels, shape.Height, shape.Width);
        Tensor taken = ChannelsLast.Undo(contract.ToModel(images)).clone();
        Tensor copy = taken.clone();
        Tensor given = run(taken);
        bool changesInput = !taken.Equals(copy);
        if (given.shape.Length == 0 || given.size(0) != Tried)
            throw new InvalidDataException(
                $"expected a row of scores for each of three images of {shape}, got {given.Describe()}"
            );
        if (!given.is_floating_point() && given.numel() == Tried)
            throw new InvalidDataException(
                $"expected a row of scores for each of three images, got predictions, {given.Describe()}: export it "
                    + "without the last argmax or comparison"
            );
        Tensor outputs = given.to(ScalarType.Float32);
        bool channelsLast = Takes(run, contract.ToModel(ChannelsLast.Of(images)), outputs);
        Tensor rows = outputs.reshape(Tried, -1);
        rows = rows.index_select(0, rows.isfinite().all(1).nonzero().reshape(-1));
        if (rows.size(0) == 0)
            throw new InvalidDataException($"it gives scores that are not finite for images of {shape} in [0, 1]");
        int classes = contract.ClassesOf((int)rows.size(1));
        if (classes < 2)
            throw new InvalidDataException(
                $"it gives {rows.size(1)} numbers for an image, of which {contract.Background} are background; at "
                    + "least two classes were expected"
            );
        if (contract.ClassNames is { } names && names.Count != classes)
            throw new InvalidDataException(
                $"it has {classes} classes and {names.Count} class names were given: give one name for each class, or "
                    + "say how many of its outputs are background (--background)"
            );
        InputContract complete = contract with { Outputs = contract.Outputs ?? KindOf(rows, MoreRows), Size = shape };
        return new ImportedClassifier(name, network, run, complete, shape, classes, channelsLast, changesInput);

        // For black, gray and white images.
        Tensor MoreRows()
        {
            Tensor plain = arange(Tried, ScalarType.Float32).reshape(Tried, 1, 1, 1) / (Tried - 1.0);
            Tensor shown = ChannelsLast.Undo(contract.ToModel(plain.expand(images.shape).contiguous())).clone();
            return run(shown).to(ScalarType.Float32).reshape(Tried, -1);
        }
    }

    /// <inheritdoc/>
    /// <exception cref="UserErrorException">The network does not accept the images.</exception>
    public Tensor Logits(Images images)
    {
        Tensor pixels = images.Pixels;
        using IDisposable? watch = PassTimeout.Watch(_name);
        try
        {
            return SmallBatches.Run(pixels, Forward);
        }
        catch (Exception e) when (e is ExternalException or InvalidDataException)
        {
            throw new UserErrorException(
                $"{_name} cannot be used on {pixels.Describe()}: {TorchErrors.FirstLine(e.InnerException ?? e)}",
                e
            );
        }
    }

    /// <inheritdoc/>
    public Jacobian Jacobian(Images images, int count, Func<Tensor, Tensor> losses) =>
        GradientPass.OfEach(this, images, losses);

    private Tensor Forward(Tensor pixels)
    {
        Tensor taken = _channelsLast
            ? Contract.ToModel(ChannelsLast.Of(pixels))
            : ChannelsLast.Undo(Contract.ToModel(pixels));
        Tensor outputs = _run(_changesInput ? taken.clone() : taken).to(ScalarType.Float32);

        // A network that squeezes drops the batch of a single image.
        return Contract.ToLogits(outputs.reshape(pixels.size(0), -1));
    }

    /// <summary>The file of the network.</summary>
    public override string ToString() => _name;

    /// <summary>Frees the network.</summary>
    public void Dispose() => _network.Dispose();

    // Whether the network gives the same outputs for images in this layout.
    private static bool Takes(Func<Tensor, Tensor> run, Tensor images, Tensor expected)
    {
        try
        {
            Tensor outputs = run(images).to(ScalarType.Float32);
            if (!outputs.shape.SequenceEqual(expected.shape))
                return false;
            double size = Math.Max(1, expected.abs().max().Item());
            return (outputs - expected).abs().max().Item() <= SameLogits * size;
        }
        catch (Exception e) when (e is ExternalException or InvalidDataException)
        {
            return false;
        }
    }

    // A single number in [0, 1] is a probability; more images are asked about, as a score may be there by chance.
    private static OutputKind KindOf(Tensor rows, Func<Tensor> moreRows)
    {
        bool probable =
            rows.size(1) == 1
                ? IsShare(rows) && IsShare(moreRows())
                : rows.ToArray<float>().Chunk((int)rows.size(1)).All(row => InputContract.IsDistribution(row));
        return probable ? OutputKind.Probabilities : OutputKind.Logits;
    }

    private static bool IsShare(Tensor rows) => rows.ToArray<float>().All(value => value is >= 0 and <= 1);
}
