using Parry.Data;
using Parry.Generative;
using Parry.Generative.AutoEncoders;
using Parry.Generative.Gans;
using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Defenses;

/// <summary>What a defense is made for, and where it loads its networks from. It owns what it loads.</summary>
/// <param name="data">The data set's name.</param>
/// <param name="shape">Of the images.</param>
/// <param name="classes">The number of their classes.</param>
public sealed class DefenseContext(string data, ImageShape shape, int classes) : IDisposable
{
    private readonly List<IDisposable> _loaded = [];

    /// <summary>The data set's name, for example <c>mnist</c>: weights that ship are named after it.</summary>
    public string Data { get; } = data;

    /// <summary>The shape of the images.</summary>
    public ImageShape Shape { get; } = shape;

    /// <summary>The number of classes.</summary>
    public int Classes { get; } = classes;

    /// <summary>The folder to look for data in first; null for the usual places.</summary>
    public string? DataDir { get; init; }

    /// <summary>Where clean images come from; null for the data set of that name.</summary>
    public IImageSource? Source { get; init; }

    /// <summary>The classifier that is defended.</summary>
    /// <exception cref="UserErrorException">None was said: it is one whose gradients are not seen.</exception>
    public IClassifier Evaluated
    {
        get =>
            field
            ?? throw new UserErrorException(
                "this defense looks into the classifier that it defends, which a model served over HTTP does not "
                    + "allow: take a defense that changes images, as bit-depth, median, jpeg or defense-gan, or "
                    + "give a file as --model"
            );
        set;
    }

    /// <summary>
    /// Clean images for thresholds and the like: the validation part, of a published set the last 10,000 for training.
    /// </summary>
    /// <exception cref="UserErrorException">The data set is not found.</exception>
    public ImageSet ValidationImages() =>
        (Source ?? DataSets.ByName(Data)).Load(DataPart.Validation, Split.DefenseGan, DataDir);

    /// <summary>Loads a classifier for these images.</summary>
    /// <param name="name">A file or the name of a model that ships.</param>
    /// <exception cref="UserErrorException">There is none, or it does not fit.</exception>
    public IClassifier Classifier(string name) => Own(ModelCatalog.LoadClassifier(name, Shape, Classes).Classifier);

    /// <summary>Loads Defense-GAN's generator.</summary>
    /// <param name="name">A file or the name of a model that ships.</param>
    /// <exception cref="UserErrorException">There is none, or it does not fit.</exception>
    public ImageGenerator Generator(string name) => Own(ImageGenerator.Load(ModelCatalog.Find(name)).Network);

    /// <summary>
    /// Loads what a projection searches among: Defense-GAN's generator, or the decoder of a <see cref="Vae"/>.
    /// </summary>
    /// <param name="name">A file or the name of a model that ships.</param>
    /// <exception cref="UserErrorException">There is none, or it draws other images.</exception>
    public ILatentModel LatentModel(string name)
    {
        bool vae = ModelFile.Describe(ModelCatalog.Find(name)).Architecture == Vae.Architecture;
        ILatentModel model = vae ? Network(name, Vae.Load).Network : Generator(name);
        return model.Shape == Shape
            ? model
            : throw new UserErrorException(
                $"{name} draws images of {model.Shape}, not of {Shape}: give one that was trained on {Data}"
            );
    }

    /// <summary>Loads anything else that a weight file holds.</summary>
    /// <param name="name">A file or the name of a model that ships.</param>
    /// <param name="load">Reads the file, whose path it is given.</param>
    /// <exception cref="UserErrorException">There is none.</exception>
    public T Load<T>(string name, Func<string, T> load) => Own(load(ModelCatalog.Find(name)));

    /// <summary>Loads a network that was trained on this data set.</summary>
    /// <param name="name">A file or the name of a model that ships.</param>
    /// <param name="load">Reads the file, whose path it is given.</param>
    /// <returns>The network, and what its file says of it.</returns>
    /// <exception cref="UserErrorException">There is none, or it was trained on other images.</exception>
    public (T Network, ModelDescription Description) Network<T>(
        string name,
        Func<string, (T Network, ModelDescription Description)> load
    )
        where T : nn.Module<Tensor, Tensor>
    {
        var (network, description) = load(ModelCatalog.Find(name));
        Own(network);
        if (description.Data != Data || description.Shape != Shape)
            throw new UserErrorException(
                $"{name} was trained on {description.Data} ({description.Shape}), not on {Data} ({Shape}): give "
                    + $"weights that were trained on {Data}"
            );
        return (network, description);
    }

    /// <summary>Frees something at the end.</summary>
    public T Own<T>(T item)
    {
        if (item is IDisposable disposable)
            _loaded.Add(disposable);
        return item;
    }

    /// <summary>Frees what was loaded.</summary>
    public void Dispose() => _loaded.ForEach(item => item.Dispose());
}
