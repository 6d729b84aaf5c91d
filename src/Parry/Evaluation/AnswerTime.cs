namespace Parry.Evaluation;

/// <summary>
/// How long a defended classifier takes for an answer: detection, purification and classification of all clean images
/// of the evaluation, on all workers and after a warm-up, divided by their number. Fast classifiers are measured by
/// turns on up to 64 images, and the median counts. Like all times it differs from run to run.
/// </summary>
/// <param name="Defense">The defense's name as in <see cref="EvaluationRow.Defense"/>;
/// <see cref="EvaluationRow.Nothing"/> for the bare classifier.</param>
/// <param name="Milliseconds">Wall clock for one image.</param>
/// <param name="CleanAccuracy">The fraction of the clean images that it classifies correctly and does not
/// refuse.</param>
public sealed record AnswerTime(string Defense, double Milliseconds, double CleanAccuracy);
