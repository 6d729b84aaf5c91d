namespace Parry.Models;

/// <summary>How far a training is.</summary>
/// <param name="Epoch">The epoch, counted from 1.</param>
/// <param name="Batch">The batch of the epoch, counted from 1.</param>
/// <param name="Batches">How many batches an epoch has.</param>
/// <param name="Loss">Mean cross entropy of the epoch's images so far, under dropout.</param>
/// <param name="Accuracy">Share of the epoch's images so far that were classified right, under dropout.</param>
/// <param name="ValidationAccuracy">Share of the validation images that are classified right; with the last batch of an epoch only.</param>
public readonly record struct TrainingProgress(int Epoch, int Batch, int Batches, double Loss, double Accuracy, double? ValidationAccuracy);
