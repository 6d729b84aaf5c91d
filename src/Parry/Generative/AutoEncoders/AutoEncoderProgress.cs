namespace Parry.Generative.AutoEncoders;

/// <summary>How far the training of an auto-encoder is.</summary>
/// <param name="Epoch">The epoch, counted from 1.</param>
/// <param name="Batch">The batch of the epoch, counted from 1.</param>
/// <param name="Batches">How many batches an epoch has.</param>
/// <param name="Loss">Mean loss of the epoch's images so far.</param>
public readonly record struct AutoEncoderProgress(int Epoch, int Batch, int Batches, double Loss);
