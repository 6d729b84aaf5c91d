using Parry.Models.Architectures;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Models.Files;

/// <summary>
/// Weight files that describe themselves: safetensors whose metadata is a <see cref="ModelDescription"/>. Files are
/// untrusted: the description is checked against the weights in the file before a network is allocated.
/// </summary>
public static class ModelFile
{
    /// <summary>
    /// Writes weights with their description, atomically. The same weights and description give the same bytes.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="network">The network with the weights.</param>
    /// <param name="description">The description of the weights.</param>
    /// <param name="half">Whether to round the weights to float16, which halves the file and keeps three digits. They
    /// are read as float32.</param>
    /// <exception cref="UserErrorException">The folder is not writable.</exception>
    /// <exception cref="IOException">The disk is full or fails while writing.</exception>
    public static void Save(
        string path,
        nn.Module<Tensor, Tensor> network,
        ModelDescription description,
        bool half = false
    )
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        var state = half
            ? network.State().Select(entry => KeyValuePair.Create(entry.Key, entry.Value.to(ScalarType.Float16)))
            : network.State();
        AtomicFile.Write(path, stream => SafeTensors.Write(stream, state, description.ToMetadata()));
    }

    /// <summary>
    /// Reads only the description: what the file says, or otherwise the published network that its weights are
    /// recognized as.
    /// </summary>
    /// <exception cref="UserErrorException">The file does not exist, is damaged, or is of an unknown
    /// architecture.</exception>
    public static ModelDescription Describe(string path) =>
        Refuse(
            path,
            () =>
            {
                IReadOnlyDictionary<string, string> metadata = SafeTensors.ReadMetadata(path);
                if (metadata.Keys.Any(key => key.StartsWith("parry.", StringComparison.Ordinal)))
                    return ModelDescription.FromMetadata(metadata);
                using SafeTensorsFile file = SafeTensors.Read(path);
                return PublishedWeights.Recognize(file, new InputContract(), null).Description;
            }
        );

    /// <summary>
    /// Reads a classifier, which the caller owns. Weights without a description are recognized by their names and
    /// sizes: Parry's own architectures if the images are known, and published networks, which then normalize images
    /// themselves (<see cref="NetworkClassifier.Contract"/> says how).
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="shape">The shape of the images it is to be used on, or null.</param>
    /// <param name="classes">The number of classes it is to be used for, or null.</param>
    /// <param name="contract">What is known about its inputs; it overrides what the file says.</param>
    /// <exception cref="UserErrorException">The file does not exist, is damaged, or is not a classifier of a known
    /// architecture.</exception>
    public static (NetworkClassifier Classifier, ModelDescription Description) LoadClassifier(
        string path,
        ImageShape? shape = null,
        int? classes = null,
        InputContract? contract = null
    ) =>
        Refuse(
            path,
            () =>
            {
                using SafeTensorsFile file = SafeTensors.Read(path);
                contract ??= new InputContract();
                bool described = file.Metadata.Keys.Any(key => key.StartsWith("parry.", StringComparison.Ordinal));
                ModelDescription? recognized =
                    described || shape is null || classes is null ? null : Recognize(file, shape.Value, classes.Value);
                if (!described && recognized is null)
                    return PublishedWeights.Load(file, contract, shape);
                ModelDescription description = recognized ?? ModelDescription.FromMetadata(file.Metadata);
                if (!Classifiers.Names.Contains(description.Architecture))
                    throw new InvalidDataException(
                        $"Its architecture is \"{description.Architecture}\"; expected a classifier, one of "
                            + $"{string.Join(", ", Classifiers.Names)}."
                    );
                if (description.ClassNames.Count == 0)
                    throw new InvalidDataException("It has no class names.");
                NetworkPlan plan = Classifiers.Plan(
                    description.Architecture,
                    description.Shape,
                    description.ClassNames.Count,
                    description.Dropout ?? DropoutReading.Drop
                );
                CheckCount(file, plan.Total, description);
                nn.Module<Tensor, Tensor> network = PublishedWeights.Contracted(Build(plan.Build, file), contract);
                return (
                    new NetworkClassifier(network, description.Shape, description.ClassNames.Count, contract),
                    description
                );
            }
        );

    /// <summary>Reads a network of one of several architectures, which the caller owns.</summary>
    /// <param name="path">The file.</param>
    /// <param name="architectures">The file must hold one of these.</param>
    /// <param name="plan">Maps the description to the number of parameters and a function that makes the network with
    /// fresh weights.</param>
    /// <exception cref="UserErrorException">The file does not exist, is damaged, or holds another
    /// architecture.</exception>
    internal static (T Network, ModelDescription Description) Load<T>(
        string path,
        IReadOnlyCollection<string> architectures,
        Func<ModelDescription, (long Parameters, Func<Generator, T> Make)> plan
    )
        where T : nn.Module<Tensor, Tensor> =>
        Refuse(
            path,
            () =>
            {
                using SafeTensorsFile file = SafeTensors.Read(path);
                ModelDescription description = ModelDescription.FromMetadata(file.Metadata);
                if (!architectures.Contains(description.Architecture))
                    throw new InvalidDataException(
                        $"Its architecture is \"{description.Architecture}\"; expected "
                            + $"{string.Join(" or ", architectures)}."
                    );
                var (parameters, make) = plan(description);
                CheckCount(file, parameters, description);
                return (Build(make, file), description);
            }
        );

    private static T Build<T>(Func<Generator, T> make, SafeTensorsFile file)
        where T : nn.Module<Tensor, Tensor>
    {
        using var random = Devices.Generator(0);
        T network = make(random);
        try
        {
            network.LoadState(file.Tensors);
            return network;
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    private static ModelDescription? Recognize(SafeTensorsFile file, ImageShape shape, int classes)
    {
        foreach (string name in Classifiers.Names)
        {
            try
            {
                var description = new ModelDescription
                {
                    Architecture = name,
                    Data = "",
                    Shape = shape,
                    ClassNames = [.. Enumerable.Range(0, classes).Select(i => $"{i}")],
                    CreatedBy = "",
                };
                NetworkPlan plan = Classifiers.Plan(name, shape, classes, DropoutReading.Drop);
                CheckCount(file, plan.Total, description);
                Build(plan.Build, file).Dispose();
                return description;
            }
            catch (Exception e) when (e is InvalidDataException or UserErrorException)
            {
                // Not this one.
            }
        }

        return null;
    }

    private static void CheckCount(SafeTensorsFile file, long expected, ModelDescription description)
    {
        long held = file.Tensors.Values.Sum(tensor => tensor.numel());
        if (held != expected)
            throw new InvalidDataException(
                $"It holds {held} parameters where {description.Architecture} for {description.Shape} has "
                    + $"{expected}; its description is wrong."
            );
    }

    // Report what is wrong with a file as a user error, in one line with the name of the file.
    private static T Refuse<T>(string path, Func<T> load)
    {
        try
        {
            return load();
        }
        catch (FileNotFoundException e)
        {
            throw new UserErrorException($"there is no weight file '{path}': give one that exists", e);
        }
        catch (InvalidDataException e) when (e.Message.StartsWith($"'{path}'", StringComparison.Ordinal))
        {
            throw new UserErrorException(e.Message.ReplaceLineEndings(" "), e);
        }
        catch (Exception e)
            when (e
                    is InvalidDataException
                        or IOException
                        or UnauthorizedAccessException
                        or OverflowException
                        or UserErrorException
            )
        {
            string reason = e.Message.ReplaceLineEndings(" ");
            throw new UserErrorException(
                $"'{path}' is not a usable weight file: {reason} Train it again, or give another file.",
                e
            );
        }
    }
}
