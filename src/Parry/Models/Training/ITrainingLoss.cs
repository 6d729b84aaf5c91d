using static TorchSharp.torch;

namespace Parry.Models.Training;

/// <summary>What the training of a classifier minimizes.</summary>
public interface ITrainingLoss
{
    /// <summary>
    /// What it is and its settings, in one line: a checkpoint of another loss is refused, and a weight file says it.
    /// Null for the ordinary loss.
    /// </summary>
    string? Description { get; }

    /// <summary>The loss of some images of a batch.</summary>
    /// <param name="piece">The images, and the network that learns from them.</param>
    /// <returns>The loss summed over the images, a scalar that autograd follows to the network's parameters; and logits
    /// [N, classes], whose accuracy is reported.</returns>
    (Tensor Loss, Tensor Logits) Of(TrainingPiece piece);
}
