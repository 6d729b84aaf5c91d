namespace Parry.Attacks.Generative;

/// <summary>When the local model of a black-box AdvGAN learns from the model.</summary>
public enum DistillationKind
{
    /// <summary>Before every epoch of the generator, from the images that it perturbs now too.</summary>
    Dynamic,

    /// <summary>Once, before the generator begins.</summary>
    Static,
}
