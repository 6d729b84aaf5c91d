using Parry.Data;
using Parry.Models;
using Parry.Models.Files;
using Parry.Models.Http;

namespace Parry.Cli;

/// <summary>A model as the command line names it.</summary>
/// <param name="Name">A file, the name of a model that ships, or a URL.</param>
/// <param name="Contract">What is known about its inputs and outputs.</param>
/// <param name="Http">How a model served over HTTP is asked; null for other models.</param>
internal sealed record ModelRequest(string Name, InputContract Contract, HttpSettings? Http)
{
    /// <summary>A model that needs no further description.</summary>
    public static ModelRequest Of(string name) => new(name, new InputContract(), null);

    /// <summary>Opens the model by itself.</summary>
    /// <exception cref="UserErrorException">It is not found, it is not a classifier, or the size of its images is not
    /// known.</exception>
    public OpenedModel Open(CancellationToken cancellation) =>
        ModelCatalog.Open(Name, Contract, http: Http, cancellation: cancellation);

    /// <summary>
    /// Opens the model and the images for it. A published set has its own size and classes, which the model must have
    /// too; it is turned gray or to color as the model needs. Other pictures are resized to fit the model. A model file
    /// that does not state a size gets the size of the images.
    /// </summary>
    /// <exception cref="UserErrorException">One is not found, or they do not fit together.</exception>
    public (OpenedModel Model, IImageSource Images) OpenWith(DataRequest data, CancellationToken cancellation)
    {
        if (DataSets.Find(data.Name) is DataSet)
        {
            IImageSource set = data.Open();

            // A model served over HTTP may answer with class names.
            InputContract contract = Http is null
                ? Contract
                : Contract.Or(new InputContract { ClassNames = set.ClassNames });
            OpenedModel fitting = ModelCatalog.OpenFitting(
                Name,
                contract,
                set.Shape,
                set.ClassNames.Count,
                Http,
                anyColor: true,
                cancellation
            );
            return (fitting, data.Open(fitting.Model.Shape));
        }

        bool silent =
            Contract.Size is null
            && ModelCatalog.Formats.Any(format => !format.StoresImageSize && format.Matches(Name));
        OpenedModel opened = ModelCatalog.Open(
            Name,
            silent ? Contract with { Size = data.Open().Shape } : Contract,
            http: Http,
            cancellation: cancellation
        );
        try
        {
            IImageSource pictures = data.Open(opened.Model.Shape, ClassNames(opened));
            return pictures.ClassNames.Count == opened.Model.Classes
                ? (opened, pictures)
                : throw new UserErrorException(
                    $"{Name} has {opened.Model.Classes} classes, and {data.Name} has {pictures.ClassNames.Count}: give "
                        + "a model for these images, or other images"
                        + (opened.Choices.Length > 0 ? $"; {opened.Choices}" : "")
                );
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Returns the names of a model's classes: as given, from its file or a file beside it, or otherwise their numbers.
    /// </summary>
    public IReadOnlyList<string> ClassNames(OpenedModel opened) =>
        opened.Contract.ClassNames
        ?? (Http is null ? ClassNameFile.Find(ModelCatalog.Find(Name), opened.Model.Classes) : null)
        ?? [.. Enumerable.Range(0, opened.Model.Classes).Select(label => $"{label}")];
}
