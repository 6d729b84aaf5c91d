using Parry.Models.Architectures;
using static TorchSharp.torch;

namespace Parry.Models.Files;

/// <summary>Weight files as a format of the catalog.</summary>
internal static class SafeTensorsFormat
{
    /// <summary>The extension of weight files.</summary>
    public const string Extension = ".safetensors";

    /// <summary>The format.</summary>
    public static ModelFormat Format { get; } = new("safetensors", Extension, Open) { Extensions = [Extension] };

    private static OpenedModel Open(ModelSource source)
    {
        InputContract contract = source.Contract;
        var (classifier, description) = ModelFile.LoadClassifier(
            source.Location,
            contract.Size ?? source.Shape,
            contract.ClassNames?.Count ?? source.Classes,
            contract
        );
        IReadOnlyList<string>? described = description.Data.Length > 0 ? description.ClassNames : null;
        InputContract complete = classifier.Contract with
        {
            Size = classifier.Shape,
            ClassNames = classifier.Contract.ClassNames ?? described,
        };
        return new OpenedModel(classifier, description, complete) { ReadLayers = () => LayersOf(classifier) };
    }

    private static IReadOnlyList<ModelLayer> LayersOf(NetworkClassifier classifier)
    {
        // A published network is wrapped in one that prepares the images; its own layers are inside.
        nn.Module<Tensor, Tensor> network = classifier.Network is ContractedNetwork contracted
            ? contracted.Inner
            : classifier.Network;
        ImageShape shape = classifier.Shape;
        using Tensor images = zeros([1, shape.Channels, shape.Height, shape.Width]);
        return ModelLayer.Of(network, images);
    }
}
