namespace Parry.Evaluation;

/// <summary>Some images through one attack and one defense, side by side.</summary>
public sealed record GalleryRow
{
    /// <summary>The attack, as in <see cref="EvaluationRow.Attack"/>.</summary>
    public required string Attack { get; init; }

    /// <summary>The attack's norm.</summary>
    public required string? Norm { get; init; }

    /// <summary>The attack's budget; null for an attack without one.</summary>
    public required double? Epsilon { get; init; }

    /// <summary>The defense that purified the images; <see cref="EvaluationRow.Nothing"/> for none.</summary>
    public required string Defense { get; init; }

    /// <summary>What the attacker knew of the defense.</summary>
    public required Threat Threat { get; init; }

    /// <summary>The factor by which the perturbation is amplified in its picture, for example 5.</summary>
    public required double Amplification { get; init; }

    /// <summary>The images.</summary>
    public required IReadOnlyList<GalleryImage> Images { get; init; }
}

/// <summary>One image in its four states.</summary>
public sealed record GalleryImage
{
    /// <summary>The true label's name.</summary>
    public required string Label { get; init; }

    /// <summary>The image as it is in the data set.</summary>
    public required GalleryPicture Clean { get; init; }

    /// <summary>The attacked image.</summary>
    public required GalleryPicture Adversarial { get; init; }

    /// <summary>What the attack added, amplified around middle gray.</summary>
    public required GalleryPicture Perturbation { get; init; }

    /// <summary>The attacked image after the defense; null without a defense that purifies.</summary>
    public required GalleryPicture? Purified { get; init; }
}

/// <summary>A picture and the classifier's prediction.</summary>
/// <param name="Png">The PNG file's bytes.</param>
/// <param name="Predicted">The predicted label's name; null where there is no prediction.</param>
/// <param name="Right">Whether the prediction is correct; null where there is none.</param>
public sealed record GalleryPicture(byte[] Png, string? Predicted = null, bool? Right = null);
