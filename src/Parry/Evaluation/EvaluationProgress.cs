namespace Parry.Evaluation;

/// <summary>Where an evaluation stands.</summary>
/// <param name="Stage">What it does now.</param>
/// <param name="Share">The share of its stages that are done, in [0, 1].</param>
public sealed record EvaluationProgress(string Stage, double Share);
