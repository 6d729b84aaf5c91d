namespace Parry.Reports;

/// <summary>The terms a report uses, explained once for every form of it.</summary>
internal static class ReportGlossary
{
    /// <summary>What the times are.</summary>
    public const string Time =
        "Times are for this run: the detection, purification and classification of clean images on all workers, "
        + "divided by "
        + "their number; fast classifiers by turns, of which the median counts.";

    /// <summary>The terms that the table of results needs.</summary>
    public static IReadOnlyList<(string Term, string Meaning)> Results { get; } =
    [
        (
            "Counts",
            "Every percentage comes with its count. Accuracy is over all images, including those that are "
                + "misclassified without an attack."
        ),
        ("No defense", "The undefended classifier, against an attacker who knows it."),
        (
            "Black box, grey box",
            "The attacker does not know the defense: the images were crafted on the bare classifier (grey box) or on "
                + "a substitute (black box). Papers often report this number; it overstates the defense."
        ),
        (
            "White box",
            "The attacker knows the defense and attacks the defended classifier; for each image, the better of this "
                + "attack and the unaware attacker's counts. This is the number to rely on. Revisited: the attacker "
                + "knows the defender's random seed as well."
        ),
        (
            "Budget",
            "How much an image may change, for pixels from 0 (black) to 1 (white). L∞ 0.1: no value changes by more "
                + "than 0.1. L2 1.5: the Euclidean length of the change is at most 1.5. \"Smallest\": no limit; the "
                + "attack searches for the smallest change that fools the classifier."
        ),
    ];

    /// <summary>The further terms that the full list of measurements needs.</summary>
    public static IReadOnlyList<(string Term, string Meaning)> Measurements { get; } =
    [
        (
            "Confidence interval",
            "The 95 % Wilson interval: the range in which the accuracy on many more such images probably lies."
        ),
        (
            "Success",
            "The share of the attacked images on which the attack reached its goal. Images that are misclassified "
                + "without an attack are not attacked."
        ),
        (
            "Distance",
            "The median size of the change over the attacked images, in the attack's norm; a failed attack counts as "
                + "infinitely far, so ∞ means that it failed on half of them or more."
        ),
        ("Gradients, queries", "The attack's backward and forward passes per image, counted by a meter on the model."),
    ];
}
