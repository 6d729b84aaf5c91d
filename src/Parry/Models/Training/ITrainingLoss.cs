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

    /// <summary>
    /// Attacks some images of a batch, if the loss is one of adversarial training: once in a step, before anything is
    /// differentiated, with autograd off.
    /// </summary>
    /// <param name="piece">The images and the classifier to attack.</param>
    /// <returns>The attacked images, [N, C, H, W], a constant of the loss; the images themselves where nothing is
    /// attacked.</returns>
    Tensor Attacked(TrainingPiece piece) => piece.Images;

    /// <summary>Computes the loss of some images of a batch.</summary>
    /// <param name="network">The network to train, in training mode, with trainable parameters.</param>
    /// <param name="piece">The images, and what <see cref="Attacked"/> made of them.</param>
    /// <returns>The loss summed over the images, a scalar that is differentiable with respect to the network's
    /// parameters; and logits [N, classes], for the accuracy.</returns>
    (Tensor Loss, Tensor Logits) Of(nn.Module<Tensor, Tensor> network, TrainingPiece piece);
}
