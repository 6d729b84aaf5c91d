namespace Parry.Models.Training;

/// <summary>Some images of one training step.</summary>
/// <param name="Indices">The indices of the training images.</param>
/// <param name="Epoch">The epoch, counted from 0.</param>
/// <param name="Once">Random draws for these images that are the same in every epoch.</param>
/// <param name="Anew">Draws of these images for this step only.</param>
public sealed record TrainingRows(int[] Indices, int Epoch, SampleRandom Once, SampleRandom Anew);
