using System.Runtime.InteropServices;
using Parry.Models.Http;

namespace Parry.Models;

/// <summary>
/// A kind of model that <see cref="ModelCatalog"/> opens. Recognition, help texts and error messages derive from it: a
/// new format is a folder with one of these and a line in <see cref="ModelCatalog.Formats"/>.
/// </summary>
public sealed class ModelFormat
{
    internal ModelFormat(string name, string example, Func<ModelSource, OpenedModel> open) =>
        (Name, Example, Open) = (name, example, open);

    /// <summary>The name of the format, such as <c>TorchScript</c>.</summary>
    public string Name { get; }

    /// <summary>How help texts name such a model, such as <c>TorchScript .pt</c>.</summary>
    public string Example { get; }

    /// <summary>The extensions of its files, in lower case with the dot; none for models that are not files.</summary>
    public IReadOnlyList<string> Extensions { get; internal init; } = [];

    /// <summary>The beginnings of its URLs, such as <c>http://</c>; none for models that are files.</summary>
    public IReadOnlyList<string> Prefixes { get; internal init; } = [];

    /// <summary>Whether its files say the size of the images they take.</summary>
    public bool StoresImageSize => ReadLayers is null;

    /// <summary>Reads the layers of a file that does not say the size of its images; null where files say it.</summary>
    internal Func<string, IReadOnlyList<ModelLayer>>? ReadLayers { get; init; }

    /// <summary>Opens a model, which the caller owns.</summary>
    internal Func<ModelSource, OpenedModel> Open { get; }

    /// <summary>Whether a name or path is that of such a model.</summary>
    public bool Matches(string model) =>
        Extensions.Contains(Path.GetExtension(model), StringComparer.OrdinalIgnoreCase)
        || Prefixes.Any(prefix => model.StartsWith(prefix, StringComparison.OrdinalIgnoreCase));

    /// <summary>Reports what is wrong with a file in one line that names the file.</summary>
    /// <exception cref="UserErrorException">The file is damaged or its network cannot be used.</exception>
    internal static T Refuse<T>(string path, Func<T> load)
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

/// <summary>A model to open, and what is known about it.</summary>
/// <param name="Location">The file or URL.</param>
/// <param name="Contract">What is known about its inputs and outputs; it overrides what the file says.</param>
/// <param name="Shape">The shape of the images at hand, used where the model does not say it; null if unknown.</param>
/// <param name="Classes">The number of classes of the images at hand, used where the model does not say it.</param>
/// <param name="Http">How a model served over HTTP is asked; null for other models.</param>
/// <param name="Cancellation">Stops waiting for an endpoint's answers.</param>
internal sealed record ModelSource(
    string Location,
    InputContract Contract,
    ImageShape? Shape,
    int? Classes,
    HttpSettings? Http,
    CancellationToken Cancellation
);
