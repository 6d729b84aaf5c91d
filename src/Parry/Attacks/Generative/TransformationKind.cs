namespace Parry.Attacks.Generative;

/// <summary>What the network of an adversarial transformation draws.</summary>
public enum TransformationKind
{
    /// <summary>A change that is added to the image: P-ATN.</summary>
    Perturbation,

    /// <summary>The whole image anew: an adversarial auto-encoder, AAE.</summary>
    Autoencoder,
}
