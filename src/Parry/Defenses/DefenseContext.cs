using Parry.Data;
using Parry.Generative;
using Parry.Models;
using Parry.Models.Files;
using static TorchSharp.torch;

namespace Parry.Defenses;

/// <summary>The data and the classifier that a defense is made for. It loads networks and owns them.</summary>
/// <param name="data">The name of the data set.</param>
/// <param name="shape">The shape of the images.</param>
/// <param name="classes">The number of classes.</param>
public sealed class DefenseContext(string data, ImageShape shape, int classes) : IDisposable
{
    private readonly List<IDisposable> _loaded = [];
    private readonly List<string> _files = [];

    /// <summary>The name of the data set, such as <c>mnist</c>. Weights that ship are named after it.</summary>
    public string Data { get; } = data;

    /// <summary>The shape of the images.</summary>
    public ImageShape Shape { get; } = shape;

    /// <summary>The number of classes.</summary>
    public int Classes { get; } = classes;

    /// <summary>The folder that is searched for data first; null for the usual places.</summary>
    public string? DataDir { get; init; }

    /// <summary>The source of clean images; null for the data set of that name.</summary>
    public IImageSource? Source { get; init; }

    /// <summary>The classifier that is defended.</summary>
    /// <exception cref="UserErrorException">There is none, or the model shows no gradients.</exception>
    public IClassifier Evaluated
    {
        get =>
            field
            ?? throw new UserErrorException(
                "this defense needs the classifier that it defends, with its logits and gradients, and got none; a "
                    + "model served over HTTP has none: choose a defense that changes images, such as bit-depth, "
                    + "median, jpeg or defense-gan, or give a file as --model"
            );
        set;
    }

    /// <summary>
    /// Loads clean images, for thresholds and the like: the validation part, which is the last 10,000 training images
    /// of a published set.
    /// </summary>
    /// <exception cref="UserErrorException">The data set is not found.</exception>
    public ImageSet ValidationImages() =>
        (Source ?? DataSets.ByName(Data).Open()).Load(DataPart.Validation, Split.DefenseGan, DataDir);

    /// <summary>Loads a classifier for these images.</summary>
    /// <param name="name">A file, or the name of a model that ships.</param>
    /// <exception cref="UserErrorException">The file is missing or does not fit the images.</exception>
    public IClassifier Classifier(string name) =>
        Own(ModelCatalog.LoadClassifier(Find(name), Shape, Classes).Classifier);

    /// <summary>Loads the generator or auto-encoder of a projection, of any kind that needs no class.</summary>
    /// <param name="name">A file, or the name of a model that ships.</param>
    /// <exception cref="UserErrorException">The file is missing, or the model draws images of another shape, or of a
    /// given class.</exception>
    public ILatentModel LatentModel(string name)
    {
        ILatentModel model = Own(Generators.OpenLatentModel(Find(name)));
        return model.Shape == Shape
            ? model
            : throw new UserErrorException(
                $"{name} draws images of {model.Shape}, not of {Shape}: give one that was trained on {Data}"
            );
    }

    /// <summary>Loads anything else that a weight file holds.</summary>
    /// <param name="name">A file, or the name of a model that ships.</param>
    /// <param name="load">From the path of the file to what it holds.</param>
    /// <exception cref="UserErrorException">The file is missing.</exception>
    public T Load<T>(string name, Func<string, T> load) => Own(load(Find(name)));

    /// <summary>Loads a network that was trained on this data set.</summary>
    /// <param name="name">A file, or the name of a model that ships.</param>
    /// <param name="load">From the path of the file to what it holds.</param>
    /// <returns>The network and its description.</returns>
    /// <exception cref="UserErrorException">The file is missing, or the network was trained on other
    /// images.</exception>
    public (T Network, ModelDescription Description) Network<T>(
        string name,
        Func<string, (T Network, ModelDescription Description)> load
    )
        where T : nn.Module<Tensor, Tensor>
    {
        var (network, description) = load(Find(name));
        Own(network);
        if (description.Data != Data || description.Shape != Shape)
            throw new UserErrorException(
                $"{name} was trained on {description.Data} ({description.Shape}), not on {Data} ({Shape}): give "
                    + $"weights that were trained on {Data}"
            );
        return (network, description);
    }

    /// <summary>The files that were loaded, in order.</summary>
    public IReadOnlyList<string> Files => _files;

    /// <summary>Takes something over, which is disposed of with the context.</summary>
    public T Own<T>(T item)
    {
        if (item is IDisposable disposable)
            _loaded.Add(disposable);
        return item;
    }

    private string Find(string name)
    {
        string file = ModelCatalog.Find(name);
        _files.Add(file);
        return file;
    }

    /// <summary>Disposes of everything that was loaded.</summary>
    public void Dispose() => _loaded.ForEach(item => item.Dispose());
}
