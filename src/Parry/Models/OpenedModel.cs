namespace Parry.Models;

/// <summary>A model that was opened by its name.</summary>
/// <param name="Model">The model.</param>
/// <param name="Description">What its file says of it; null where nothing does.</param>
public sealed record OpenedModel(IPredictor Model, ModelDescription? Description) : IDisposable
{
    /// <summary>Frees the model.</summary>
    public void Dispose() => (Model as IDisposable)?.Dispose();
}
