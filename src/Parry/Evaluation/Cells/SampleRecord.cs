using Parry.Attacks;

namespace Parry.Evaluation.Cells;

/// <summary>One image of a cell.</summary>
internal sealed record SampleRecord
{
    /// <summary>The image's number in the set.</summary>
    public required int Sample { get; init; }

    /// <summary>Its true class.</summary>
    public required long Label { get; init; }

    /// <summary>Whether the classifier, with its defense, is right about the clean image.</summary>
    public required bool CleanCorrect { get; init; }

    /// <summary>
    /// Whether it was worth attacking: classified correctly and not of the target class. False without an attack.
    /// </summary>
    public bool Attackable { get; init; }

    /// <summary>What came of it: one for each budget that the attack was run at, or one in all.</summary>
    public required IReadOnlyList<SampleResult> Results { get; init; }
}

/// <summary>What the classifier says of one image, clean or attacked at one budget.</summary>
internal sealed record SampleResult
{
    /// <summary>The predicted class.</summary>
    public required long Answer { get; init; }

    /// <summary>Whether a detector refuses the image.</summary>
    public bool Refused { get; init; }

    /// <summary>Whether the attack worked on it.</summary>
    public bool Attacked { get; init; }

    /// <summary>Whether the attack reached its goal on what it attacked.</summary>
    public bool Succeeded { get; init; }

    /// <summary>Whether the classifier, with its defense, is fooled by the attack's image, at whatever
    /// distance.</summary>
    public bool Fooled { get; init; }

    /// <summary>Whether it is fooled also with 8 bits per value; null where that was not measured.</summary>
    public bool? SurvivesRounding { get; init; }

    /// <summary>Changed values.</summary>
    public float L0 { get; init; }

    /// <summary>The sum of all changes.</summary>
    public float L1 { get; init; }

    /// <summary>The length of the perturbation.</summary>
    public float L2 { get; init; }

    /// <summary>The largest change.</summary>
    public float Linf { get; init; }

    /// <summary>Forward passes.</summary>
    public double Queries { get; init; }

    /// <summary>Backward passes.</summary>
    public double Gradients { get; init; }

    /// <summary>The detectors' scores.</summary>
    public IReadOnlyList<float> Scores { get; init; } = [];

    /// <summary>The size of the perturbation.</summary>
    public float Size(Norm norm) =>
        norm switch
        {
            Norm.L0 => L0,
            Norm.L1 => L1,
            Norm.L2 => L2,
            _ => Linf,
        };
}
