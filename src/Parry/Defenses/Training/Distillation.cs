using System.Globalization;
using Parry.Models;
using Parry.Models.Training;
using Parry.Options;
using static TorchSharp.torch;

namespace Parry.Defenses.Training;

/// <summary>
/// Defensive distillation (Papernot, McDaniel, Wu, Jha, Swami, 2015, 1511.04508): a student learns the teacher's
/// probabilities softmax(Z / T) at a high temperature T, by the cross entropy with its own probabilities at T, and is
/// used at T = 1. The teacher is trained with <see cref="CrossEntropy"/> at the same T. At T = 1 the student's logits
/// are so large that softmax rounds to 0 and 1 and gradients of the loss vanish: attacks that follow them stand still,
/// others do not (Carlini and Wagner, 2016, 1607.04311 and 1608.04644). Dividing the logits by T gives the gradients
/// back: <see cref="ScaledLogits"/>.
/// </summary>
/// <remarks>
/// Deviation: Carlini's code starts teacher and student from the weights of one epoch at T = 1, because SGD does not
/// get going otherwise. Adam does not depend on the scale of a loss, so both start from fresh weights here, the same
/// ones if architecture and seed are the same. The teacher gives its soft labels, without dropout, for the very image
/// that the student sees.
/// </remarks>
/// <param name="Teacher">A classifier of the same images and classes.</param>
/// <param name="TeacherName">The teacher's name, for weight files and checkpoints.</param>
/// <param name="Temperature">T, above 0; 100 in most experiments.</param>
public sealed record Distillation(IClassifier Teacher, string TeacherName, double Temperature = 100) : ITrainingLoss
{
    /// <inheritdoc/>
    public string Description =>
        string.Create(CultureInfo.InvariantCulture, $"distillation of {TeacherName} at temperature {Temperature}");

    /// <inheritdoc/>
    public (Tensor Loss, Tensor Logits) Of(nn.Module<Tensor, Tensor> network, TrainingPiece piece)
    {
        Tensor logits = network.forward(piece.Images);
        Tensor logProbabilities = (logits / Temperature).log_softmax(-1);
        Tensor loss = -(SoftLabels(piece) * logProbabilities).sum();
        return (loss, logits);
    }

    private Tensor SoftLabels(TrainingPiece piece)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor logits = Teacher.Logits(new Images(piece.Images, piece.Random.Samples));
        return scope.MoveToOuter((logits / Temperature).softmax(-1));
    }
}

/// <summary>The options of a student from <see cref="Distillation"/> as a defense.</summary>
public sealed record DistillationSettings : IDefenseSettings
{
    /// <summary>The student's file or name.</summary>
    [Option("weights", "the student's file or name")]
    public string? Weights { get; init; }

    /// <summary>The temperature at which the student was trained.</summary>
    [Option("temperature", "temperature at which the student was trained")]
    public double Temperature { get; init; } = 100;

    /// <inheritdoc/>
    public DefenseSpec Create(DefenseContext context)
    {
        string weights =
            Weights
            ?? throw new UserErrorException(
                "the defense distillation needs weights=FILE: train it with parry train classifier --distill"
            );
        if (Temperature == 0)
            throw new UserErrorException("the defense distillation takes a temperature above 0, got 0");
        IClassifier student = context.Classifier(weights);
        return new DefenseSpec
        {
            Name = "distillation",
            Classifier = student,
            AttackersClassifier = new ScaledLogits(student, Temperature),
        };
    }
}
