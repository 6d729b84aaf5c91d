using Parry.Models.Files;

namespace Parry.Models;

/// <summary>A model that was found and loaded. It owns the model.</summary>
/// <param name="Model">An <see cref="IClassifier"/> where gradients can be had.</param>
/// <param name="Description">What a weight file says of itself, or is recognized as; null for other models.</param>
/// <param name="Contract">How it takes images and gives answers, as far as that is known.</param>
public sealed record OpenedModel(IPredictor Model, ModelDescription? Description, InputContract Contract) : IDisposable
{
    /// <summary>Its layers; none where the model shows none.</summary>
    public IReadOnlyList<ModelLayer> Layers => ReadLayers();

    internal Func<IReadOnlyList<ModelLayer>> ReadLayers { get; init; } = () => [];

    /// <summary>Frees the model.</summary>
    public void Dispose() => (Model as IDisposable)?.Dispose();
}
