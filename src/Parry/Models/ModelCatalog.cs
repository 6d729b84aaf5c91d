using System.Runtime.InteropServices;
using Parry.Models.Architectures;
using Parry.Models.Files;
using Parry.Models.Http;
using Parry.Models.Onnx;
using Parry.Models.TorchScript;
using static TorchSharp.torch;

namespace Parry.Models;

/// <summary>
/// Finds models as the command line names them: a file (.safetensors, .onnx, TorchScript .pt), <c>DATASET/NET</c> such
/// as <c>fashion-mnist/a</c> for one that ships, or a name of <see cref="NamedWeights"/>. Those lie as
/// <c>fashion-mnist-a.safetensors</c> in $PARRY_MODELS, or in the folder <c>models</c> of the repository or beside the
/// program.
/// </summary>
public static class ModelCatalog
{
    private const string Extension = ".safetensors";

    private static readonly string[] s_extensions = [Extension, ".onnx", ".pt", ".pth", ".pt2", ".ts"];

    /// <summary>The names of the models that ship, generators among them; empty when their folder is missing.</summary>
    /// <exception cref="UserErrorException">$PARRY_MODELS names no folder.</exception>
    public static IReadOnlyList<string> Names => NamesIn(Folder());

    /// <summary>The file of a model.</summary>
    /// <exception cref="UserErrorException">There is none of that name, or it is of a kind that cannot be
    /// read.</exception>
    public static string Find(string model) => Find(model, Folder());

    /// <summary>Loads a classifier, which the caller owns.</summary>
    /// <param name="model">A file or the name of a model that ships.</param>
    /// <param name="shape">Of the images it will see.</param>
    /// <param name="classes">How many classes these have.</param>
    /// <returns>The classifier, and what its file says of it: null where that is nothing.</returns>
    /// <exception cref="UserErrorException">It is not found, is damaged, is no classifier, or does not fit these
    /// images.</exception>
    public static (IClassifier Classifier, ModelDescription? Description) LoadClassifier(
        string model,
        ImageShape shape,
        int classes
    )
    {
        // An address, whose gradients are not seen, is refused before it is asked.
        Find(model);
        OpenedModel opened = OpenFitting(model, new InputContract(), shape, classes);
        return ((IClassifier)opened.Model, opened.Description);
    }

    /// <summary>Opens a model of any kind, as <see cref="Open"/> does, that must be one of these images.</summary>
    /// <param name="model">The file, name, or http:// or https:// address.</param>
    /// <param name="contract">What is known of how it takes images and gives answers; it goes before what the file
    /// says.</param>
    /// <param name="shape">Of the images it will see.</param>
    /// <param name="classes">How many classes these have.</param>
    /// <param name="http">How an address is asked; null for the ordinary way.</param>
    /// <param name="cancellation">Stops waiting for an address's answers.</param>
    /// <exception cref="UserErrorException">It is not found, damaged, hostile, no classifier, or does not fit these
    /// images.</exception>
    /// <exception cref="EndpointException">An address does not answer, or not as it should.</exception>
    public static OpenedModel OpenFitting(
        string model,
        InputContract contract,
        ImageShape shape,
        int classes,
        HttpSettings? http = null,
        CancellationToken cancellation = default
    )
    {
        OpenedModel opened = Open(model, contract, shape, classes, http, cancellation);
        if (opened.Model.Shape == shape && opened.Model.Classes == classes)
            return opened;
        using (opened)
        {
            throw new UserErrorException(
                $"{model} tells {opened.Model.Classes} classes of {opened.Model.Shape} images apart, not {classes} "
                    + $"of {shape}: use it with {Fitting(opened.Description)}, or give another model"
            );
        }
    }

    /// <summary>
    /// Opens a model of any kind, of which more or less can be seen, and which the caller owns: a file (.onnx, .pt,
    /// .safetensors) or the name of one that ships as an <see cref="IClassifier"/>, an address as an
    /// <see cref="HttpModel"/>.
    /// </summary>
    /// <param name="model">The file, name, or http:// or https:// address.</param>
    /// <param name="contract">What is known of how it takes images and gives answers; it goes before what the file
    /// says.</param>
    /// <param name="shape">Of the images at hand, where the file does not say it; null if these are of no one
    /// shape.</param>
    /// <param name="classes">How many classes these have, where the file does not say it.</param>
    /// <param name="http">How an address is asked; null for the ordinary way.</param>
    /// <param name="cancellation">Stops waiting for an address's answers.</param>
    /// <exception cref="UserErrorException">It is not found, damaged, hostile, or no classifier.</exception>
    /// <exception cref="EndpointException">An address does not answer, or not as it should.</exception>
    public static OpenedModel Open(
        string model,
        InputContract contract,
        ImageShape? shape = null,
        int? classes = null,
        HttpSettings? http = null,
        CancellationToken cancellation = default
    )
    {
        if (HttpModel.IsAddress(model))
        {
            Uri url = Uri.TryCreate(model, UriKind.Absolute, out Uri? address)
                ? address
                : throw new UserErrorException(
                    $"expected an address such as http://127.0.0.1:8000/v2/models/NAME, got \"{model}\""
                );
            HttpModel asked = HttpModel.Open(url, http ?? new HttpSettings(), contract, shape, classes, cancellation);
            return new OpenedModel(asked, null, contract with { Size = asked.Shape });
        }

        if (http is not null)
            throw new UserErrorException(
                $"--http is about models behind an address, and {model} is none: leave it out"
            );
        string path = Find(model);
        return Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".onnx" => Imported(path, () => OnnxModel.Load(path, contract, shape)),
            ".pt" or ".pth" or ".pt2" or ".ts" => Imported(path, () => TorchScriptModel.Load(path, contract, shape)),
            _ => Weights(path, contract, shape, classes),
        };
    }

    internal static IReadOnlyList<string> NamesIn(string? folder) =>
        folder is null || !Directory.Exists(folder)
            ? []
            :
            [
                .. Directory
                    .GetFiles(folder, "*-*" + Extension)
                    .Where(file => !file.EndsWith(".checkpoint" + Extension, StringComparison.Ordinal))
                    .Select(file => NameOf(Path.GetFileNameWithoutExtension(file)))
                    .Order(StringComparer.Ordinal),
            ];

    internal static string Find(string model, string? folder)
    {
        string extension = Path.GetExtension(model).ToLowerInvariant();
        if (HttpModel.IsAddress(model))
            throw new UserErrorException(
                $"a model behind an address such as {model} shows neither weights nor gradients, which are needed "
                    + $"here: give a file; `parry attack` and `parry evaluate` take addresses as --model"
            );
        if (s_extensions.Contains(extension))
            return File.Exists(model)
                ? model
                : throw new UserErrorException(
                    $"there is no model file {model}: give one that exists, or the name of a model that ships "
                        + $"({Listed(folder)})"
                );
        if (File.Exists(model))
            throw new UserErrorException(
                $"expected a model file ending in {string.Join(", ", s_extensions)}, got {model}: rename it if it "
                    + $"is one"
            );
        if (NamedWeights.Names.Contains(model))
            return NamedWeights.Find(model);
        return NamesIn(folder).Contains(model)
            ? Path.Combine(folder!, model.Replace('/', '-') + Extension)
            : throw new UserErrorException(
                $"expected a file ({string.Join(", ", s_extensions)}) or one of the models that ship "
                    + $"({Listed(folder)}) or are downloaded ({string.Join(", ", NamedWeights.Names)}), got \"{model}\""
            );
    }

    private static string? Folder()
    {
        if (Environment.GetEnvironmentVariable("PARRY_MODELS") is { Length: > 0 } given)
            return Directory.Exists(given)
                ? given
                : throw new UserErrorException(
                    $"$PARRY_MODELS names the folder {given}, which does not exist: make it, or unset the variable"
                );
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string models = Path.Combine(folder.FullName, "models");
            if (Directory.Exists(models) && File.Exists(Path.Combine(folder.FullName, "Parry.slnx")))
                return models;
        }

        string beside = Path.Combine(AppContext.BaseDirectory, "models");
        return Directory.Exists(beside) ? beside : null;
    }

    // fashion-mnist-a is fashion-mnist/a: the net's name has no dash.
    private static string NameOf(string file) =>
        $"{file[..file.LastIndexOf('-')]}/{file[(file.LastIndexOf('-') + 1)..]}";

    private static string Listed(string? folder) =>
        NamesIn(folder) is { Count: > 0 } names
            ? string.Join(", ", names)
            : "none found; set PARRY_MODELS to their folder";

    private static string Fitting(ModelDescription? description) =>
        description is { Data.Length: > 0 } ? description.Data : "the images it was trained on";

    private static OpenedModel Weights(string path, InputContract contract, ImageShape? shape, int? classes)
    {
        var (classifier, description) = ModelFile.LoadClassifier(
            path,
            contract.Size ?? shape,
            contract.ClassNames?.Count ?? classes,
            contract
        );
        return new OpenedModel(
            classifier,
            description,
            classifier.Contract with
            {
                Size = classifier.Shape,
                ClassNames =
                    classifier.Contract.ClassNames ?? (description.Data.Length > 0 ? description.ClassNames : null),
            }
        )
        {
            ReadLayers = () =>
            {
                // Around a network from elsewhere stands one that sees to its contract.
                nn.Module<Tensor, Tensor> network = classifier.Network is ContractedNetwork contracted
                    ? contracted.Inner
                    : classifier.Network;
                using Tensor images = zeros([
                    1,
                    classifier.Shape.Channels,
                    classifier.Shape.Height,
                    classifier.Shape.Width,
                ]);
                return ModelLayer.Of(network, images);
            },
        };
    }

    /// <summary>
    /// The layers of a TorchScript file, as its weights' names show them; the size of its images need not be known.
    /// </summary>
    /// <exception cref="UserErrorException">It is no TorchScript, or damaged.</exception>
    public static IReadOnlyList<ModelLayer> ScriptLayers(string path) =>
        Refuse(path, () => TorchScriptModel.Layers(path));

    private static OpenedModel Imported(
        string path,
        Func<(ImportedClassifier Classifier, Func<IReadOnlyList<ModelLayer>> Layers)> load
    ) =>
        Refuse(
            path,
            () =>
            {
                var (classifier, layers) = load();
                return new OpenedModel(classifier, null, classifier.Contract) { ReadLayers = layers };
            }
        );

    private static T Refuse<T>(string path, Func<T> load)
    {
        try
        {
            return load();
        }
        catch (Exception e)
            when (e
                    is InvalidDataException
                        or ExternalException
                        or IOException
                        or UnauthorizedAccessException
                        or ArithmeticException
                        or OutOfMemoryException
            )
        {
            throw new UserErrorException($"{path} cannot be used: {e.Message}".ReplaceLineEndings(" "), e);
        }
    }
}
