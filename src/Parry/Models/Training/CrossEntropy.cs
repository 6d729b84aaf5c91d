using System.Globalization;
using static TorchSharp.torch;

namespace Parry.Models.Training;

/// <summary>
/// The cross entropy of the true class under softmax(logits / temperature). Temperature 1 is the ordinary loss; a
/// higher one makes the logits larger by that factor at the same confidence, which is how the teacher of defensive
/// distillation is trained (Papernot et al., 2015, 1511.04508).
/// </summary>
/// <param name="Temperature">Above 0.</param>
public sealed record CrossEntropy(double Temperature = 1) : ITrainingLoss
{
    /// <inheritdoc/>
    public string? Description =>
        Temperature == 1
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"cross entropy at temperature {Temperature}");

    /// <inheritdoc/>
    public (Tensor Loss, Tensor Logits) Of(nn.Module<Tensor, Tensor> network, TrainingPiece piece)
    {
        Tensor logits = network.forward(piece.Images);
        return (Sum(logits / Temperature, piece.Labels), logits);
    }

    /// <summary>The cross entropy of logits [N, classes] with labels [N], summed over the images.</summary>
    internal static Tensor Sum(Tensor logits, Tensor labels) =>
        nn.functional.nll_loss(logits.log_softmax(-1), labels, reduction: nn.Reduction.Sum);
}
