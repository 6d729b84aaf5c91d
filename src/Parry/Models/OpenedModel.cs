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

    internal Func<IReadOnlyList<ModelLayer>> ReadLayers { get; init; } = () => [];

    /// <summary>Frees the model.</summary>
    public void Dispose() => (Model as IDisposable)?.Dispose();
}
