namespace Parry.Generative.Gans;

/// <summary>
/// A way to train a generator against a discriminator; <see cref="GanRecipe.Of"/> has its settings.
/// </summary>
public enum GanKind
{
    /// <summary>Fully connected networks (<see cref="Gans.Gan"/>), non-saturating loss.</summary>
    Gan,

    /// <summary>Convolutional networks (<see cref="Gans.Dcgan"/>), non-saturating loss.</summary>
    Dcgan,

    /// <summary>Wasserstein loss and clipped weights (<see cref="Gans.Wgan"/>).</summary>
    Wgan,

    /// <summary>DCGAN's networks, least-squares loss.</summary>
    Lsgan,

    /// <summary>Spectral normalization and hinge loss (<see cref="HingeGan"/>).</summary>
    Hinge,

    /// <summary>DCGAN that draws a given class (<see cref="ConditionalGan"/>).</summary>
    Cgan,

    /// <summary>A small convolutional generator (<see cref="Gans.SmallDcgan"/>), non-saturating loss.</summary>
    SmallDcgan,
}
