namespace Parry.Attacks.Transfer;

/// <summary>What an ensemble of models averages.</summary>
public enum EnsembleMean
{
    /// <summary>Probabilities (Liu, Chen, Liu, Song, 2016, 1611.02770).</summary>
    Probabilities,

    /// <summary>Logits, which transfers better (Dong et al., 2017, 1710.06081).</summary>
    Logits,
}
