using static TorchSharp.torch;

namespace Parry.Models;

/// <summary>What a training of a classifier lowers.</summary>
public interface ITrainingLoss
{
    /// <summary>
    /// What it is and its settings, in a line: a checkpoint of another one is refused, and a weight file says it. Null
    /// for the ordinary loss.
    /// </summary>
    string? Description { get; }

    /// <summary>The loss of some images of a batch.</summary>
    /// <param name="piece">The images, and the network that learns from them.</param>
    /// <returns>The loss summed over the images, a scalar that autograd follows to the network's parameters; and logits
    /// [N, classes] of which accuracy is told.</returns>
    (Tensor Loss, Tensor Logits) Of(TrainingPiece piece);
}
