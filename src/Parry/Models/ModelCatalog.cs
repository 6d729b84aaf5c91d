using Parry.Generative;
using Parry.Models.Http;
using Parry.Torch;
using Parry.Torch.Nn;

namespace Parry.Models;

/// <summary>
/// Finds models as the command line names them: a file (.safetensors, .pt), or <c>DATASET/NET</c> such as <c>fashion-mnist/a</c> for one that ships.
/// Those lie as <c>fashion-mnist-a.safetensors</c> in $PARRY_MODELS, or in the folder <c>models</c> of the repository or beside the program.
/// </summary>
public static class ModelCatalog
{
    private const string Extension = ".safetensors";

    /// <summary>The names of the models that ship, generators among them; empty when their folder is missing.</summary>
    /// <exception cref="UserErrorException">$PARRY_MODELS names no folder.</exception>
    public static IReadOnlyList<string> Names => NamesIn(Folder());

    /// <summary>The file of a model.</summary>
    /// <exception cref="UserErrorException">There is none of that name, or it is of a kind that cannot be read.</exception>
    public static string Find(string model) => Find(model, Folder());

    /// <summary>Loads a classifier, which the caller owns.</summary>
    /// <param name="model">A file or the name of a model that ships.</param>
    /// <param name="shape">Of the images it will see.</param>
    /// <param name="classes">How many classes these have.</param>
    /// <returns>The classifier, and what its file says of it: null for TorchScript, which says nothing.</returns>
    /// <exception cref="UserErrorException">It is not found, is damaged, is no classifier, or does not fit these images.</exception>
    public static (IClassifier Classifier, ModelDescription? Description) LoadClassifier(string model, ImageShape shape, int classes)
    {
        string path = Find(model);
        if (path.EndsWith(".pt", StringComparison.OrdinalIgnoreCase)) return (LoadScript(path, shape, classes), null);
        var (classifier, description) = ModelFile.LoadClassifier(path, shape, classes);
        if (classifier.Shape == shape && classifier.Classes == classes) return (classifier, description);
        classifier.Dispose();
        throw new UserErrorException($"{model} tells {classifier.Classes} classes of {classifier.Shape} images apart, not {classes} of {shape}: use it with {Fitting(description)}, or give another model");
    }

    /// <summary>Opens a model of any kind, of which more or less can be seen: a file or the name of one that ships as an <see cref="IClassifier"/>, an address as an <see cref="HttpModel"/>.</summary>
    /// <param name="model">A file, the name of a model that ships, or an http:// or https:// address.</param>
    /// <param name="shape">Of the images it will see; null for what the model says.</param>
    /// <param name="classes">How many classes these have; null for what the model says.</param>
    /// <param name="contract">How it takes images and what its answers are, as far as that is known.</param>
    /// <param name="http">How an address is asked; null for the defaults.</param>
    /// <param name="cancellation">Stops waiting for an address's answers.</param>
    /// <exception cref="UserErrorException">It is not found, is damaged, is no classifier, or does not fit these images.</exception>
    /// <exception cref="EndpointException">An address does not answer, or not as it should.</exception>
    public static OpenedModel Open(string model, ImageShape? shape, int? classes, InputContract contract, HttpSettings? http = null, CancellationToken cancellation = default)
    {
        if (HttpModel.IsAddress(model))
        {
            Uri url = Uri.TryCreate(model, UriKind.Absolute, out Uri? address) ? address : throw new UserErrorException($"expected an address such as http://127.0.0.1:8000/v2/models/NAME, got \"{model}\"");
            return new OpenedModel(HttpModel.Open(url, http ?? new HttpSettings(), contract, shape, classes, cancellation), null);
        }

        if (http is not null) throw new UserErrorException($"--http is about models behind an address, and {model} is none: leave it out");
        if ((shape is null || classes is null) && Find(model) is var path)
        {
            bool script = path.EndsWith(".pt", StringComparison.OrdinalIgnoreCase);
            ModelDescription? says = script ? null : ModelFile.Describe(path);
            shape ??= contract.Size ?? says?.Shape ?? throw new UserErrorException($"{model} does not say which images it takes: give their size with --input-size CxHxW");
            classes ??= says?.ClassNames.Count ?? ClassesOf(path, shape.Value);
        }

        var (classifier, description) = LoadClassifier(model, shape.Value, classes.Value);
        return new OpenedModel(classifier, description);
    }

    /// <summary>Loads a generator, which the caller owns.</summary>
    /// <exception cref="UserErrorException">It is not found, is damaged, or is no generator.</exception>
    public static (ImageGenerator Generator, ModelDescription Description) LoadGenerator(string model) => ModelFile.LoadGenerator(Find(model));

    /// <summary>Loads a generator of any kind that draws from latent vectors, which the caller owns: what <see cref="Generative.Quality.GeneratorSamples"/> takes.</summary>
    /// <exception cref="UserErrorException">It is not found, is damaged, or is no generator.</exception>
    public static (Module Generator, ModelDescription Description) LoadAnyGenerator(string model)
    {
        string path = Find(model);
        return ModelFile.Describe(path).Architecture switch
        {
            ModelDescription.GeneratorArchitecture => ModelFile.LoadGenerator(path),
            ModelDescription.StyleGanArchitecture => ModelFile.LoadStyleGan(path),
            Vae.Architecture => Vae.Load(path),
            ConditionalVae.Architecture => ConditionalVae.Load(path),
            _ => ModelFile.LoadGan(path),
        };
    }

    internal static IReadOnlyList<string> NamesIn(string? folder) => folder is null || !Directory.Exists(folder)
        ? []
        : [.. Directory.GetFiles(folder, "*-*" + Extension).Where(file => !file.EndsWith(".checkpoint" + Extension, StringComparison.Ordinal)).Select(file => NameOf(Path.GetFileNameWithoutExtension(file))).Order(StringComparer.Ordinal)];

    internal static string Find(string model, string? folder)
    {
        string extension = Path.GetExtension(model).ToLowerInvariant();
        if (HttpModel.IsAddress(model))
            throw new UserErrorException($"a model behind an address such as {model} shows neither weights nor gradients, which are needed here: give a file; `parry attack` and `parry evaluate` take addresses as --model");
        if (extension == ".onnx")
            throw new UserErrorException($"not yet: ONNX files such as {model} cannot be used; export the model as TorchScript (torch.jit.trace(model, images).save(\"model.pt\"))");
        if (extension is Extension or ".pt")
            return File.Exists(model) ? model : throw new UserErrorException($"there is no model file {model}: give one that exists, or the name of a model that ships ({Listed(folder)})");
        if (File.Exists(model)) throw new UserErrorException($"expected a model file ending in {Extension} or .pt, got {model}: rename it if it is one");
        return NamesIn(folder).Contains(model)
            ? Path.Combine(folder!, model.Replace('/', '-') + Extension)
            : throw new UserErrorException($"expected a {Extension} or .pt file or one of the models that ship ({Listed(folder)}), got \"{model}\"");
    }

    private static string? Folder()
    {
        if (Environment.GetEnvironmentVariable("PARRY_MODELS") is { Length: > 0 } given)
            return Directory.Exists(given) ? given : throw new UserErrorException($"$PARRY_MODELS names the folder {given}, which does not exist: make it, or unset the variable");
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string models = Path.Combine(folder.FullName, "models");
            if (Directory.Exists(models) && File.Exists(Path.Combine(folder.FullName, "Parry.slnx"))) return models;
        }

        string beside = Path.Combine(AppContext.BaseDirectory, "models");
        return Directory.Exists(beside) ? beside : null;
    }

    // fashion-mnist-a is fashion-mnist/a: the net's name has no dash.
    private static string NameOf(string file) => $"{file[..file.LastIndexOf('-')]}/{file[(file.LastIndexOf('-') + 1)..]}";

    private static string Listed(string? folder) => NamesIn(folder) is { Count: > 0 } names ? string.Join(", ", names) : "none found; set PARRY_MODELS to their folder";

    private static string Fitting(ModelDescription description) => description.Data.Length > 0 ? description.Data : "the images it was trained on";

    private static ScriptClassifier LoadScript(string path, ImageShape shape, int classes)
    {
        ScriptModule module = OpenScript(path);
        try
        {
            long[] outputs = OutputsOf(module, path, shape);
            if (!outputs.AsSpan().SequenceEqual([1, classes])) throw new UserErrorException($"{path} gives [{string.Join(", ", outputs)}] for one image of {shape}, not {classes} logits: give a model for this data");
            return new ScriptClassifier(module, shape, classes);
        }
        catch
        {
            module.Dispose();
            throw;
        }
    }

    private static int ClassesOf(string path, ImageShape shape)
    {
        using ScriptModule module = OpenScript(path);
        return (int)OutputsOf(module, path, shape)[^1];
    }

    private static ScriptModule OpenScript(string path)
    {
        try
        {
            return ScriptModule.Load(path);
        }
        catch (TorchException e)
        {
            throw new UserErrorException($"{path} is no TorchScript file, or needs what this LibTorch lacks ({e.Message.Split('\n')[0]}): save one with torch.jit.trace(model, images).save(\"model.pt\")", e);
        }
    }

    // What comes for one image.
    private static long[] OutputsOf(ScriptModule module, string path, ImageShape shape)
    {
        try
        {
            using var frozen = Autograd.NoGrad();
            using var scope = new TensorScope();
            return module.Forward(Tensor.Zeros([1, shape.Channels, shape.Height, shape.Width])).Shape;
        }
        catch (TorchException e)
        {
            throw new UserErrorException($"{path} does not take images of {shape} in [0, 1]: give a model for this data, or other data", e);
        }
    }
}
