using System.Text.Json.Serialization;

namespace Parry.Reports;

/// <summary>What attacks made of single photos.</summary>
/// <param name="Model">The model, as it was named.</param>
/// <param name="Photos">The photos in order.</param>
/// <param name="Changed">Attack by attack and budget by budget, how many answers changed.</param>
public sealed record PhotoReport(
    string Model,
    IReadOnlyList<AttackedPhoto> Photos,
    IReadOnlyList<ChangedAnswers> Changed
)
{
    /// <summary>How many photos the model answers with the given class; null if no classes were given.</summary>
    public int? Right =>
        Photos.Any(photo => photo.Given) ? Photos.Count(photo => photo.Before[0].Class == photo.Label) : null;

    /// <summary>How photos of other sizes were fitted to the model; null if none was.</summary>
    public string? Note { get; init; }

    /// <summary>The strip of pictures and the page, if they were written.</summary>
    public IReadOnlyList<string> Files { get; init; } = [];
}

/// <summary>How many answers one attack at one budget changed.</summary>
/// <param name="Attack">The attack with its options.</param>
/// <param name="Norm">The norm it bounds or minimizes.</param>
/// <param name="Epsilon">The budget; null for the smallest change.</param>
/// <param name="Changed">Photos about which the model says something else than before.</param>
/// <param name="Attacked">Photos that had to be attacked.</param>
public sealed record ChangedAnswers(string Attack, string Norm, double? Epsilon, int Changed, int Attacked);

/// <summary>A photo, what the model says of it, and what attacks made of it.</summary>
/// <param name="File">The file.</param>
/// <param name="Label">The class that attacks lead away from: the given one, or else the model's own answer.</param>
/// <param name="LabelName">Its name.</param>
/// <param name="Given">Whether that class was given.</param>
/// <param name="Before">The likeliest classes.</param>
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
/// <param name="Attacked">Whether there was something to do: not where the photo reached the goal by itself, as one
/// that is answered wrongly.</param>
/// <param name="Succeeded">Whether it reached its goal.</param>
/// <param name="Changed">Whether the model's answer is another one than before.</param>
/// <param name="ChangedAfterRounding">Whether it still is with 8 bits a value, as in the pictures.</param>
/// <param name="Linf">The largest change of a value.</param>
/// <param name="L2">The Euclidean length of the change.</param>
/// <param name="Amplification">What the change was multiplied by to be seen.</param>
/// <param name="After">The likeliest classes.</param>
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

/// <summary>A class and how likely the model takes it to be.</summary>
/// <param name="Class">The class.</param>
/// <param name="Name">Its name, the first of several.</param>
/// <param name="Probability">In [0, 1]; null of a model that shows only labels.</param>
public sealed record ClassScore(int Class, string Name, double? Probability);
