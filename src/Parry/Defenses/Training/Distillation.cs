using System.Globalization;
using Parry.Models;
using Parry.Torch;

namespace Parry.Defenses.Training;

/// <summary>
/// Defensive distillation (Papernot, McDaniel, Wu, Jha, Swami, 2015, 1511.04508): a student learns the teacher's probabilities softmax(Z / T) at a high temperature, by
/// cross entropy with its own at that temperature, and is used at T = 1. The teacher is trained with <see cref="CrossEntropy"/> at the same T. At T = 1 the student's
/// logits are so large that softmax rounds to 0 and 1 and gradients of the loss vanish: attacks that follow them stand still, others do not (Carlini and Wagner,
/// 2016, 1607.04311 and 1608.04644). Dividing the logits by T gives the gradients back: <see cref="ScaledLogits"/>.
/// </summary>
/// <remarks>
/// Deviation: Carlini's code begins teacher and student at the weights of one epoch at T = 1, which SGD needs to get going; Adam does not mind the scale of a loss, so
/// both begin at fresh weights, the same ones where architecture and seed are the same. Soft labels are the teacher's of the very image that the student sees, without dropout.
/// </remarks>
/// <param name="Teacher">A classifier of the same images and classes.</param>
/// <param name="TeacherName">By which it is known.</param>
/// <param name="Temperature">T, above 0; 100 in most experiments.</param>
public sealed record Distillation(IClassifier Teacher, string TeacherName, double Temperature = 100) : ITrainingLoss
{
    /// <inheritdoc/>
    public string Description => string.Create(CultureInfo.InvariantCulture, $"distillation of {TeacherName} at temperature {Temperature}");

    /// <inheritdoc/>
    public (Tensor Loss, Tensor Logits) Of(TrainingPiece piece)
    {
        Tensor logits = piece.Network.Forward(piece.Images);
        return (logits.Div(Temperature).LogSoftmax().Mul(SoftLabels(piece)).Sum().Neg(), logits);
    }

    private Tensor SoftLabels(TrainingPiece piece)
    {
        using var frozen = Autograd.NoGrad();
        using var scope = new TensorScope();
        return scope.Keep(Teacher.For(piece.Random.Samples).Logits(piece.Images).Div(Temperature).Softmax());
    }
}
