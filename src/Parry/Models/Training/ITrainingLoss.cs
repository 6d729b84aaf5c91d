using static TorchSharp.torch;

namespace Parry.Models.Training;

/// <summary>A loss that the training of a classifier minimizes.</summary>
public interface ITrainingLoss
{
    /// <summary>
    /// The loss and its settings in one line, for weight files and to refuse checkpoints of another loss. Null for the
    /// cross entropy.
    /// </summary>
    string? Description { get; }

    /// <summary>Computes the loss of some images of a batch.</summary>
    /// <param name="piece">The images and the network to train.</param>
    /// <returns>The loss summed over the images, a scalar that is differentiable with respect to the network's
    /// parameters; and logits [N, classes], for the accuracy.</returns>
    (Tensor Loss, Tensor Logits) Of(TrainingPiece piece);
}
