using Parry.Models.Architectures;
using static TorchSharp.torch;

namespace Parry.Models.Files;

/// <summary>
/// Weights as others publish them, recognized by the names and sizes in the state dictionary alone. Supported are small
/// networks like LeNet, ResNet-20 to 110 and WideResNet for CIFAR, VGG, and MobileNetV2. Files are untrusted: every
/// size is checked before memory is taken.
/// </summary>
internal static class PublishedWeights
{
    // The smallest side of which five pools leave one pixel.
    private const int SmallestSide = 32;

    private const int ShownNames = 3;
    private const int LongestName = 60;

    /// <summary>The names of the families, for messages.</summary>
    public const string Families = "LeNet, ResNet-20 to 110 for CIFAR, WideResNet, VGG, MobileNetV2";

    /// <summary>Recognizes a network without building it.</summary>
    /// <param name="file">The file.</param>
    /// <param name="contract">What is known about its images; it overrides what the file says.</param>
    /// <param name="shape">The shape of the images it is to be used on, or null.</param>
    /// <exception cref="InvalidDataException">The weights fit no known family, or several.</exception>
    public static (
        PublishedNetwork Network,
        StateDictionary State,
        InputContract Contract,
        ModelDescription Description
    ) Recognize(SafeTensorsFile file, InputContract contract, ImageShape? shape)
    {
        var state = new StateDictionary(file.Tensors);
        PublishedNetwork network =
            Find(state, contract.Size ?? shape)
            ?? throw new InvalidDataException(
                $"Its weights, {FirstNames(state)} and so on, are not those of a known network ({Families}); export "
                    + "it as TorchScript or ONNX, or say in \"parry.architecture\" which of "
                    + $"{string.Join(", ", Classifiers.Names)} it is."
            );
        InputContract complete = contract
            .Or(new InputContract { Mean = state.Mean, Std = state.Std })
            .Or(InputContract.FromMetadata(file.Metadata))
            .Or(network.Contract)
            .Or(new InputContract { Size = network.Shape });
        int classes = complete.ClassesOf(network.Outputs);
        if (classes < 2)
            throw new InvalidDataException($"It has {network.Outputs} outputs; expected at least two classes.");
        ImageShape size = complete.Size!.Value;
        if (
            size != network.Shape
            && (
                size.Channels != network.Shape.Channels
                || !network.TakesOthers
                || Math.Min(size.Height, size.Width) < SmallestSide
            )
        )
        {
            string others = network.TakesOthers ? $" or others of at least {SmallestSide}x{SmallestSide}" : "";
            throw new InvalidDataException($"It takes images of {network.Shape}{others}, not of {size}.");
        }

        complete.CheckChannels(network.Shape.Channels);
        if (contract.ClassNames is { } given && given.Count != classes)
            throw new InvalidDataException($"It has {classes} classes, and {given.Count} class names were given.");
        IReadOnlyList<string>? known = complete.ClassNames?.Count == classes ? complete.ClassNames : null;
        IReadOnlyList<string> names = known ?? [.. Enumerable.Range(0, classes).Select(label => $"{label}")];
        return (
            network,
            state,
            complete with
            {
                ClassNames = known,
                Layout = null,
            },
            new ModelDescription
            {
                Architecture = network.Name,
                Data = "",
                Shape = size,
                ClassNames = names,
                CreatedBy = "",
            }
        );
    }

    /// <summary>Reads a network, which the caller owns.</summary>
    /// <param name="file">The file.</param>
    /// <param name="contract">What is known about its images; it overrides what the file says.</param>
    /// <param name="shape">The shape of the images it is to be used on, or null.</param>
    /// <param name="fold">Whether to fold batch norms into convolutions.</param>
    /// <exception cref="InvalidDataException">The weights fit no known family, or a tensor is missing or has another
    /// size.</exception>
    public static (NetworkClassifier Classifier, ModelDescription Description) Load(
        SafeTensorsFile file,
        InputContract contract,
        ImageShape? shape = null,
        bool fold = true
    )
    {
        var (network, state, complete, description) = Recognize(file, contract, shape);
        using var layers = new LayerReader(state, fold);
        nn.Module<Tensor, Tensor> built = Contracted(network.Build(layers), complete);
        return (new NetworkClassifier(built, description.Shape, description.ClassNames.Count, complete), description);
    }

    /// <summary>Wraps a network so that it takes images in [0, 1]; returns it as it is if it already does.</summary>
    public static nn.Module<Tensor, Tensor> Contracted(nn.Module<Tensor, Tensor> network, InputContract contract) =>
        contract
            is { Mean: null, Std: null, Range: null, Background: null, Outputs: null, Layout: null, Channels: null }
            ? network
            : new ContractedNetwork(network, contract);

    private static PublishedNetwork? Find(StateDictionary state, ImageShape? size) =>
        WideResNet.Recognize(state)
        ?? ResNetCifar.Recognize(state)
        ?? MobileNetV2.Recognize(state)
        ?? Vgg.Recognize(state)
        ?? LeNets.Recognize(state, size);

    private static string FirstNames(StateDictionary state) =>
        string.Join(", ", state.Names.Take(ShownNames).Select(name => $"\"{Shortened(name)}\""));

    private static string Shortened(string name) => name.Length > LongestName ? name[..LongestName] + "…" : name;
}
