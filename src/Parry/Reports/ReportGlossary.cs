namespace Parry.Reports;

/// <summary>The terms a report uses, explained once for every form of it.</summary>
internal static class ReportGlossary
{
    /// <summary>What the times are.</summary>
    public const string Time =
        "Milliseconds are those of this run for detection, purification and classification of all clean images, on "
        + "all workers, divided by their number.";

    /// <summary>What the table of results needs.</summary>
    public static IReadOnlyList<(string Term, string Meaning)> Results { get; } =
    [
        (
            "Counts",
            "Every percentage stands with its count. Accuracy is over all images, those the classifier gets wrong "
                + "from the start included."
        ),
        ("No defense", "The attacker knows the classifier, and nothing stands before it."),
        (
            "Black box, grey box",
            "The attacker does not know the defense: the images were made on the bare classifier (grey box) or on a "
                + "substitute (black box). Papers often print this number; it flatters the defense."
        ),
        (
            "White box",
            "The attacker knows the defense: attacks through it, and for each image keeps whichever of this and the "
                + "unaware attacker's image fools. This is the number to plan with. Revisited: knows the defender's "
                + "random seed as well."
        ),
        (
            "Budget",
            "How much an image may change, for pixels from 0 (black) to 1 (white). L∞ 0.1: no pixel by more than "
                + "0.1. L2 1.5: the root of the sum of squared changes is at most 1.5. \"Smallest\": no limit, the "
                + "attack looks for the least change that fools."
        ),
    ];

    /// <summary>What the full list of measurements needs besides.</summary>
    public static IReadOnlyList<(string Term, string Meaning)> Measurements { get; } =
    [
        ("Range", "The 95 % Wilson interval: where the accuracy on many more such images would probably lie."),
        (
            "Success",
            "The part of the attacked images on which the attack reached its goal. Images that were wrong from the "
                + "start are not attacked."
        ),
        (
            "Distance",
            "The median size of the change over the attacked images, in the attack's norm; an attack that fails "
                + "counts as infinitely far, so ∞ says that it failed on half of them or more."
        ),
        ("Gradients, queries", "What the attack cost for each attacked image, counted by a meter around the model."),
    ];
}
