using Parry.Models.Files;

namespace Parry.Models;

/// <summary>A model that was found and loaded; disposing frees the model.</summary>
/// <param name="Model">The model; an <see cref="IClassifier"/> if gradients are available.</param>
/// <param name="Description">The description of a weight file or of the network it is recognized as; null for other
/// models.</param>
/// <param name="Contract">Its inputs and outputs, as far as they are known.</param>
public sealed record OpenedModel(IPredictor Model, ModelDescription? Description, InputContract Contract) : IDisposable
{
    /// <summary>Its layers; empty if they cannot be read.</summary>
    public IReadOnlyList<ModelLayer> Layers => ReadLayers();

    /// <summary>What must be known of the model before numbers are believed, in sentences.</summary>
    public IReadOnlyList<string> Notes { get; internal init; } = [];

    /// <summary>The outputs that could be read in place of this one, for messages; empty if there is one.</summary>
    public string Choices { get; internal init; } = "";

    internal Func<IReadOnlyList<ModelLayer>> ReadLayers { get; init; } = () => [];

    /// <summary>Frees the model.</summary>
    public void Dispose() => (Model as IDisposable)?.Dispose();
}
