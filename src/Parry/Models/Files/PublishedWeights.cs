using Parry.Models.Architectures;
using static TorchSharp.torch;

namespace Parry.Models.Files;

/// <summary>
/// Weights as others publish them: a state dictionary is recognized by its names and sizes alone. Known are small nets
/// in the manner of LeNet, ResNet-20 to 110 and WideResNet for CIFAR, VGG, and MobileNetV2. Files are untrusted: every
/// size is checked before memory is taken.
/// </summary>
internal static class PublishedWeights
{
    // What five pools leave one pixel of.
    private const int SmallestSide = 32;

    private const int ShownNames = 3;
    private const int LongestName = 60;

    /// <summary>The families, as messages name them.</summary>
    public const string Families = "LeNet, ResNet-20 to 110 for CIFAR, WideResNet, VGG, MobileNetV2";

    /// <summary>Recognizes a network; none is made.</summary>
    /// <param name="file">The file.</param>
    /// <param name="contract">What is known of its images; it goes before what the file says.</param>
    /// <param name="shape">Of the images it is to be used with, or null.</param>
    /// <exception cref="InvalidDataException">It is of no known family, or fits several.</exception>
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
                $"Its weights are of no network that is known by its names ({Families}), which begin with "
                    + $"{FirstNames(state)}; export it as TorchScript or ONNX, "
                    + $"or say in \"parry.architecture\" which of {string.Join(", ", Classifiers.Names)} it is."
            );
        InputContract complete = contract
            .Or(new InputContract { Mean = state.Mean, Std = state.Std })
            .Or(InputContract.FromMetadata(file.Metadata))
            .Or(network.Contract)
            .Or(new InputContract { Size = network.Shape });
        int classes = complete.ClassesOf(network.Outputs);
        if (classes < 2)
            throw new InvalidDataException(
                $"It gives {network.Outputs} numbers for an image; at least two classes were expected."
            );
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
            throw new InvalidDataException($"It tells {classes} classes apart, and {given.Count} are named.");
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
    /// <param name="contract">What is known of its images; it goes before what the file says.</param>
    /// <param name="shape">Of the images it is to be used with, or null.</param>
    /// <param name="fold">Whether batch norms become part of convolutions.</param>
    /// <exception cref="InvalidDataException">It is of no known family, or a tensor is missing or of another
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

    /// <summary>A network that takes images in [0, 1]: itself if it does already.</summary>
    public static nn.Module<Tensor, Tensor> Contracted(nn.Module<Tensor, Tensor> network, InputContract contract) =>
        contract is { Mean: null, Std: null, Range: null, Background: null, Outputs: null, Layout: null }
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
