namespace Parry.Models;

/// <summary>How far a training is.</summary>
/// <param name="Epoch">The epoch, counted from 1.</param>
/// <param name="Batch">The batch of the epoch, counted from 1.</param>
/// <param name="Batches">How many batches an epoch has.</param>
/// <param name="Loss">Mean loss of the epoch's images so far, as it is trained: under dropout, and on attacked images
/// where these are trained on.</param>
/// <param name="Accuracy">Share of the epoch's images so far that were classified right, as they are trained
/// on.</param>
/// <param name="ValidationAccuracy">Share of the validation images that are classified right; with the last batch of an
/// epoch only.</param>
public readonly record struct TrainingProgress(
    int Epoch,
    int Batch,
    int Batches,
    double Loss,
    double Accuracy,
    double? ValidationAccuracy
);
