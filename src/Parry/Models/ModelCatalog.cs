using Parry.Models.Files;
using Parry.Models.Http;
using Parry.Models.Onnx;
using Parry.Models.TorchScript;

namespace Parry.Models;

/// <summary>
/// Finds and opens models as the command line names them: a file or URL of one of the <see cref="Formats"/>,
/// <c>DATASET/NET</c> such as <c>fashion-mnist/a</c> for a model that ships, or a name of <see cref="NamedWeights"/>.
/// Models that ship are files such as <c>fashion-mnist-a.safetensors</c> in $PARRY_MODELS or, if that is not set, in
/// the folder <c>models</c> of the repository or beside the program.
/// </summary>
public static class ModelCatalog
{
    /// <summary>
    /// Every format that can be opened; the first that matches a name is used, so URLs come before extensions.
    /// </summary>
    public static IReadOnlyList<ModelFormat> Formats { get; } =
    [HttpFormat.Format, OnnxFormat.Format, TorchScriptFormat.Format, SafeTensorsFormat.Format];

    /// <summary>The kinds of files, as help texts name them: <c>.onnx, TorchScript .pt, …</c>.</summary>
    public static string FileKinds => Examples(Formats.Where(format => format.Extensions.Count > 0));

    /// <summary>The kinds of URLs, as help texts name them: <c>http:// URL</c>.</summary>
    public static string UrlKinds => Examples(Formats.Where(format => format.Prefixes.Count > 0));

    /// <summary>The names of the models that ship, generators among them; empty when their folder is missing.</summary>
    /// <exception cref="UserErrorException">$PARRY_MODELS is set to a folder that does not exist.</exception>
    public static IReadOnlyList<string> Names => NamesIn(Folder());

    /// <summary>The file of a model.</summary>
    /// <exception cref="UserErrorException">There is no model of that name, or its format is not supported, or it is
    /// a URL.</exception>
    public static string Find(string model)
    {
        string found = Find(model, Folder());
        ModelFormat.Refuse(found, () => MistakenFile.Check(found));
        return found;
    }

    /// <summary>Loads a classifier, which the caller owns.</summary>
    /// <param name="model">A file or the name of a model that ships.</param>
    /// <param name="shape">The shape of the images it will be used on.</param>
    /// <param name="classes">The number of classes of these images.</param>
    /// <returns>The classifier, and what its file says about it: null if it says nothing.</returns>
    /// <exception cref="UserErrorException">The model is not found, is damaged, is not a classifier, or does not fit
    /// these images.</exception>
    public static (IClassifier Classifier, ModelDescription? Description) LoadClassifier(
        string model,
        ImageShape shape,
        int classes
    )
    {
        // Refuse a URL before a request is sent: it gives no gradients.
        Find(model);
        OpenedModel opened = OpenFitting(model, new InputContract(), shape, classes);
        return ((IClassifier)opened.Model, opened.Description);
    }

    /// <summary>
    /// Opens a model as <see cref="Open"/> does, and checks that it fits these images, in gray or color as it takes
    /// them if <paramref name="anyColor"/>.
    /// </summary>
    /// <param name="model">The file, the name, or the http:// or https:// URL.</param>
    /// <param name="contract">What is known about its inputs and outputs; it overrides what the file says.</param>
    /// <param name="shape">The shape of the images it will be used on.</param>
    /// <param name="classes">The number of classes of these images.</param>
    /// <param name="http">How a model served over HTTP is asked; null for the defaults.</param>
    /// <param name="anyColor">Whether the model may take gray images for color ones, or the reverse.</param>
    /// <param name="cancellation">Stops waiting for an endpoint's answers.</param>
    /// <exception cref="UserErrorException">The model is not found, damaged, hostile, not a classifier, or does not
    /// fit these images.</exception>
    /// <exception cref="EndpointException">An endpoint does not answer, or its answers cannot be used.</exception>
    public static OpenedModel OpenFitting(
        string model,
        InputContract contract,
        ImageShape shape,
        int classes,
        HttpSettings? http = null,
        bool anyColor = false,
        CancellationToken cancellation = default
    )
    {
        OpenedModel opened = Open(model, contract, shape, classes, http, cancellation);
        ImageShape fitting = anyColor ? shape.WithColorOf(opened.Model.Shape) : shape;
        if (opened.Model.Shape == fitting && opened.Model.Classes == classes)
            return opened;
        using (opened)
        {
            throw new UserErrorException(
                $"{model} has {opened.Model.Classes} classes and takes images of {opened.Model.Shape}, expected "
                    + $"{classes} classes and images of {shape}: use it with {Fitting(opened.Description)}, "
                    + (opened.Choices.Length > 0 ? $"or another output: {opened.Choices}" : "or give another model")
            );
        }
    }

    /// <summary>
    /// Opens a model, which the caller owns: a file or the name of a model that ships as an <see cref="IClassifier"/>,
    /// a URL as an <see cref="HttpModel"/>.
    /// </summary>
    /// <param name="model">The file, the name, or the http:// or https:// URL.</param>
    /// <param name="contract">What is known about its inputs and outputs; it overrides what the file says.</param>
    /// <param name="shape">The shape of the images at hand, used where the model does not say it; null if they differ
    /// in shape.</param>
    /// <param name="classes">The number of classes of these images, used where the model does not say it.</param>
    /// <param name="http">How a model served over HTTP is asked; null for the defaults.</param>
    /// <param name="cancellation">Stops waiting for an endpoint's answers.</param>
    /// <exception cref="UserErrorException">The model is not found, damaged, hostile, or not a classifier.</exception>
    /// <exception cref="EndpointException">An endpoint does not answer, or its answers cannot be used.</exception>
    public static OpenedModel Open(
        string model,
        InputContract contract,
        ImageShape? shape = null,
        int? classes = null,
        HttpSettings? http = null,
        CancellationToken cancellation = default
    )
    {
        ModelFormat? served = Formats.FirstOrDefault(format => format.Prefixes.Count > 0 && format.Matches(model));
        if (served is null && http is not null)
            throw new UserErrorException(
                $"--http is for models served over HTTP, got {model}: leave --http out, or give an http:// URL"
            );
        string location = served is null ? Find(model) : model;
        ModelFormat format = served ?? FormatOf(location);
        if (format != OnnxFormat.Format && contract.GraphOption is { } option)
            throw new UserErrorException($"{option} is for ONNX files, got {model}: leave it out");
        if (format != OnnxFormat.Format && format != TorchScriptFormat.Format && contract.Output is not null)
            throw new UserErrorException($"--output is for ONNX and TorchScript files, got {model}: leave it out");
        return format.Open(new ModelSource(location, contract, shape, classes, http, cancellation));
    }

    /// <summary>
    /// The layers of a file that does not say the size of its images, read from the names of its weights; null where
    /// the format says that size.
    /// </summary>
    /// <exception cref="UserErrorException">The file is damaged, or no format has its extension.</exception>
    public static IReadOnlyList<ModelLayer>? LayersWithoutSize(string path) =>
        FormatOf(path).ReadLayers is { } read ? ModelFormat.Refuse(path, () => read(path)) : null;

    /// <summary>The format of a file, by its extension.</summary>
    /// <exception cref="UserErrorException">No format has this extension.</exception>
    public static ModelFormat FormatOf(string path) =>
        Formats.FirstOrDefault(format => format.Matches(path))
        ?? throw new UserErrorException($"expected a model file ({FileKinds}), got {path}");

    internal static IReadOnlyList<string> NamesIn(string? folder) =>
        folder is null || !Directory.Exists(folder)
            ? []
            :
            [
                .. Directory
                    .GetFiles(folder, "*-*" + SafeTensorsFormat.Extension)
                    .Where(file =>
                        !file.EndsWith(".checkpoint" + SafeTensorsFormat.Extension, StringComparison.Ordinal)
                    )
                    .Select(file => NameOf(Path.GetFileNameWithoutExtension(file)))
                    .Order(StringComparer.Ordinal),
            ];

    internal static string Find(string model, string? folder)
    {
        string extensions = string.Join(", ", Formats.SelectMany(format => format.Extensions));
        ModelFormat? format = Formats.FirstOrDefault(format => format.Matches(model));
        if (format is { Extensions.Count: 0 })
            throw new UserErrorException(
                $"expected a model whose weights and gradients can be read, got the URL {model}: give a file "
                    + $"({extensions}); `parry attack` and `parry evaluate` take URLs as --model"
            );
        if (format is not null)
            return File.Exists(model)
                ? model
                : throw new UserErrorException(
                    $"there is no model file {model}: give one that exists, or the name of a model that ships "
                        + $"({Listed(folder)})"
                );
        if (File.Exists(model))
            throw new UserErrorException(
                $"expected a model file ending in {extensions}, got {model}: rename it if it is in one of these formats"
            );
        if (NamedWeights.Names.Contains(model))
            return NamedWeights.Find(model);
        return NamesIn(folder).Contains(model)
            ? Path.Combine(folder!, model.Replace('/', '-') + SafeTensorsFormat.Extension)
            : throw new UserErrorException(
                $"expected a file ({extensions}), the name of a model that ships ({Listed(folder)}) or of one that is "
                    + $"downloaded ({string.Join(", ", NamedWeights.Names)}), got \"{model}\""
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

    private static string Examples(IEnumerable<ModelFormat> formats) =>
        string.Join(", ", formats.Select(format => format.Example));

    // fashion-mnist-a is fashion-mnist/a: the net's name has no dash.
    private static string NameOf(string file) =>
        $"{file[..file.LastIndexOf('-')]}/{file[(file.LastIndexOf('-') + 1)..]}";

    private static string Listed(string? folder) =>
        NamesIn(folder) is { Count: > 0 } names
            ? string.Join(", ", names)
            : "none found; set PARRY_MODELS to their folder";

    private static string Fitting(ModelDescription? description) =>
        description is { Data.Length: > 0 } ? description.Data : "the images it was trained on";
}
