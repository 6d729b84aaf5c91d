namespace Parry.Cli.Measuring;

/// <summary>What <c>parry pairs</c> writes: near images of a generator that a classifier separates.</summary>
/// <param name="Generator">What draws the images.</param>
/// <param name="Within">The largest L2 distance of a pair.</param>
/// <param name="Searched">The searches against each classifier.</param>
/// <param name="Seed">The seed.</param>
/// <param name="Classifiers">The classifier, and if there is one, the one trained after it.</param>
/// <param name="Pairs">The pairs that were found against the first classifier.</param>
internal sealed record PairsReport(
    string Generator,
    double Within,
    int Searched,
    long Seed,
    IReadOnlyList<PairCounts> Classifiers,
    IReadOnlyList<SeparatedPair> Pairs
);

/// <summary>How many pairs a classifier separates.</summary>
/// <param name="Model">The classifier.</param>
/// <param name="Found">The pairs that a search against it finds.</param>
/// <param name="Separated">Those that it separates of the pairs found against the first classifier.</param>
internal sealed record PairCounts(string Model, int Found, int Separated);

/// <summary>A pair that the first classifier separates.</summary>
/// <param name="Distance">The L2 distance of its images.</param>
/// <param name="Answers">For each classifier, what it says of the two images.</param>
internal sealed record SeparatedPair(double Distance, IReadOnlyList<IReadOnlyList<PairAnswer>> Answers);

/// <summary>What a classifier says of an image.</summary>
/// <param name="Class">The class.</param>
/// <param name="Confidence">Its probability.</param>
internal sealed record PairAnswer(string Class, double Confidence);
