using System.Text.Json.Serialization;
using Parry.Attacks;
using Parry.Evaluation.Verification;

namespace Parry.Cli.Measuring;

/// <summary>What <c>parry verify --json</c> writes.</summary>
/// <param name="Model">The model.</param>
/// <param name="Defense">The defense; null for the bare model.</param>
/// <param name="Originals">The set of the originals.</param>
/// <param name="Norm">The norm of the budget.</param>
/// <param name="Epsilon">The budget; null if none was given.</param>
/// <param name="Count">The number of handed-in images.</param>
/// <param name="OutsideBox">Those with values outside [0, 1].</param>
/// <param name="OverBudget">Those over the budget.</param>
/// <param name="OverByRounding">Those over the budget by no more than rounding to 8 bits explains; they count as within
/// it.</param>
/// <param name="CleanWrong">Those whose original is already misclassified or refused.</param>
/// <param name="Refused">Those that a detector refuses.</param>
/// <param name="Succeeded">Successes: within box and budget, misclassified and accepted, and the original is
/// not.</param>
/// <param name="SurviveRounding">Successes with 8 bits for each value.</param>
/// <param name="LargestChange">The size of the largest change in that norm.</param>
/// <param name="Seed">The seed of the draws of a random defense.</param>
/// <param name="Images">All images.</param>
/// <param name="Notes">What the reader must know.</param>
internal sealed record VerifyReport(
    string Model,
    string? Defense,
    string Originals,
    Norm Norm,
    double? Epsilon,
    int Count,
    int OutsideBox,
    int OverBudget,
    int OverByRounding,
    int CleanWrong,
    int Refused,
    int Succeeded,
    int SurviveRounding,
    double LargestChange,
    long Seed,
    IReadOnlyList<VerifiedImage> Images,
    IReadOnlyList<string> Notes
)
{
    /// <summary>Whether all images are within box and budget.</summary>
    [JsonIgnore]
    public bool AllCount => OutsideBox == 0 && OverBudget == 0;
}
