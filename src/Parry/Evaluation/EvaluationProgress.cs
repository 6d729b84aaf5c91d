namespace Parry.Evaluation;

/// <summary>How far an evaluation has come.</summary>
/// <param name="Stage">What it is doing now.</param>
/// <param name="Share">The share of its stages that are done, in [0, 1].</param>
public sealed record EvaluationProgress(string Stage, double Share);
