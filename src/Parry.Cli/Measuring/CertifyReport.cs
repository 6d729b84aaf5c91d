using System.Text.Json.Serialization;
using Parry.Defenses;

namespace Parry.Cli.Measuring;

/// <summary>What <c>parry certify --json</c> writes.</summary>
internal sealed record CertifyReport(
    string Model,
    string Data,
    int Count,
    double Sigma,
    int Samples,
    double Alpha,
    long Seed,
    int Abstained,
    IReadOnlyList<CertifiedAccuracy> Accuracies,
    IReadOnlyList<CertifiedImage> Images,
    string? Note = null
)
{
    /// <summary>The radius that is certified when all votes agree.</summary>
    [JsonIgnore]
    public double LargestRadius => Sigma * NormalDistribution.Quantile(ClopperPearson.Lower(Samples, Samples, Alpha));
}

/// <summary>The share of images that are classified correctly and certified at a radius.</summary>
internal sealed record CertifiedAccuracy(double Radius, double Accuracy);

/// <summary>One image: its true class, the predicted one (null if the classifier abstains) and the radius.</summary>
internal sealed record CertifiedImage(int Label, int? Class, double Radius);
