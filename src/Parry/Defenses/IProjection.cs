using Parry.Generative;

namespace Parry.Defenses;

/// <summary>A purifier that replaces an image by the nearest one that a model can draw.</summary>
public interface IProjection : IPurifier
{
    /// <summary>The model that draws the images.</summary>
    ILatentModel Generator { get; }
}
