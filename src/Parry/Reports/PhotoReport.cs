using System.Text.Json.Serialization;

namespace Parry.Reports;

/// <summary>The results of attacks on single photos.</summary>
/// <param name="Model">The model, as it was named.</param>
/// <param name="Photos">The photos in order.</param>
/// <param name="Changed">For each attack and budget, how many predictions changed.</param>
public sealed record PhotoReport(
    string Model,
    IReadOnlyList<AttackedPhoto> Photos,
    IReadOnlyList<ChangedAnswers> Changed
)
{
    /// <summary>How many photos are classified as the given class; null if no classes were given.</summary>
    public int? Right =>
        Photos.Any(photo => photo.Given) ? Photos.Count(photo => photo.Before[0].Class == photo.Label) : null;

    /// <summary>How photos of other sizes were fitted to the model; null if none was.</summary>
    public string? Note { get; init; }

    /// <summary>The strip of pictures and the page, if they were written.</summary>
    public IReadOnlyList<string> Files { get; init; } = [];
}

/// <summary>How many predictions one attack at one budget changed.</summary>
/// <param name="Attack">The attack with its options.</param>
/// <param name="Norm">The norm it bounds or minimizes.</param>
/// <param name="Epsilon">The budget; null for the smallest change.</param>
/// <param name="Changed">Photos whose prediction changed.</param>
/// <param name="Attacked">Photos that had to be attacked.</param>
public sealed record ChangedAnswers(string Attack, string Norm, double? Epsilon, int Changed, int Attacked);

/// <summary>A photo, its prediction, and the results of the attacks on it.</summary>
/// <param name="File">The file.</param>
/// <param name="Label">The class that attacks lead away from: the given one, or else the prediction.</param>
/// <param name="LabelName">Its name.</param>
/// <param name="Given">Whether that class was given.</param>
/// <param name="Before">The most likely classes before the attack.</param>
/// <param name="Attacks">The attacks, budget by budget.</param>
public sealed record AttackedPhoto(
    string File,
    int Label,
    string LabelName,
    bool Given,
    IReadOnlyList<ClassScore> Before,
    IReadOnlyList<PhotoAttack> Attacks
)
{
    /// <summary>The pixels as [C, H, W].</summary>
    [JsonIgnore]
    public byte[] Pixels { get; init; } = [];

    /// <summary>Their shape.</summary>
    [JsonIgnore]
    public ImageShape Shape { get; init; }
}

/// <summary>One attack at one budget on one photo.</summary>
/// <param name="Attack">The attack with its options.</param>
/// <param name="Norm">The norm it bounds or minimizes.</param>
/// <param name="Epsilon">The budget; null for the smallest change.</param>
/// <param name="Attacked">Whether it was attacked: a photo that already meets the goal, such as a misclassified one, is
/// not.</param>
/// <param name="Succeeded">Whether it reached its goal.</param>
/// <param name="Changed">Whether the prediction changed.</param>
/// <param name="ChangedAfterRounding">Whether it is still changed with 8 bits per value, as in the pictures.</param>
/// <param name="Linf">The largest change of a value.</param>
/// <param name="L2">The Euclidean length of the change.</param>
/// <param name="Amplification">The factor by which the change is amplified in its picture.</param>
/// <param name="After">The most likely classes after it.</param>
public sealed record PhotoAttack(
    string Attack,
    string Norm,
    double? Epsilon,
    bool Attacked,
    bool Succeeded,
    bool Changed,
    bool ChangedAfterRounding,
    double Linf,
    double L2,
    double Amplification,
    IReadOnlyList<ClassScore> After
)
{
    /// <summary>The change, times the amplification, around gray, as [C, H, W].</summary>
    [JsonIgnore]
    public byte[] Change { get; init; } = [];

    /// <summary>The attacked photo as [C, H, W].</summary>
    [JsonIgnore]
    public byte[] Adversarial { get; init; } = [];
}

/// <summary>A class and its probability.</summary>
/// <param name="Class">The class.</param>
/// <param name="Name">Its name, the first of several.</param>
/// <param name="Probability">In [0, 1]; null for a model that shows only labels.</param>
public sealed record ClassScore(int Class, string Name, double? Probability);
