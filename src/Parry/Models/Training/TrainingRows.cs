namespace Parry.Models.Training;

/// <summary>Some rows of one step of a training.</summary>
/// <param name="Indices">Which training images they are.</param>
/// <param name="Epoch">The epoch, counted from 0.</param>
/// <param name="Once">Draws of these images that stay the same throughout the training.</param>
/// <param name="Anew">Draws of these images for this step only.</param>
public sealed record TrainingRows(int[] Indices, int Epoch, SampleRandom Once, SampleRandom Anew);
