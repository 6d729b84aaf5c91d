namespace Parry.Attacks.Building;

/// <summary>Where an attack that begins at the boundary looks for its first image that reaches the goal.</summary>
public enum StartFrom
{
    /// <summary>In uniform noise, and where that finds none among the run's other images.</summary>
    NoiseThenImages,

    /// <summary>In uniform noise only.</summary>
    Noise,

    /// <summary>Among the run's other images only, the nearest of those that reach the goal.</summary>
    Images,
}

/// <summary>An attack that needs an image which reaches the goal to begin from.</summary>
public interface IBoundarySearch
{
    /// <summary>Where that image is looked for.</summary>
    StartFrom Start { get; }
}
