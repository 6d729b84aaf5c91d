using System.Globalization;
using Parry.Models.Architectures;
using static TorchSharp.torch;

namespace Parry.Models.Training;

/// <summary>
/// How a classifier is trained: Adam or SGD on a loss. The defaults are Defense-GAN's (1805.06605), except for the
/// reading of dropout.
/// </summary>
public sealed record ClassifierTraining : TrainingSchedule
{
    // What the learning rate is divided by at each milestone.
    private const double Drop = 10;

    /// <summary>The defaults.</summary>
    public ClassifierTraining() => BatchSize = 50;

    /// <summary>The architecture, one of <see cref="Classifiers.Names"/>.</summary>
    public string Architecture { get; init; } = "classifier-a";

    /// <summary>
    /// The momentum of stochastic gradient descent, in [0, 1); null for Adam. 0.9 is usual.
    /// </summary>
    public double? Momentum { get; init; }

    /// <summary>The weight of the parameters themselves in their gradients, 0 or more.</summary>
    public double WeightDecay { get; init; }

    /// <summary>
    /// The size γ of adversarial weight perturbation relative to the weights, in [0, 1); 0 for none (Wu, Xia, Wang,
    /// 2020, 2004.05884). The paper has 0.01 with PGD and 0.005 with TRADES. With clean images it is much like
    /// sharpness-aware minimization.
    /// </summary>
    public double WeightPerturbation { get; init; }

    /// <summary>The numbers of epochs after which the step size is divided by 10, ascending.</summary>
    public IReadOnlyList<int> Milestones { get; init; } = [];

    /// <summary>
    /// Whether each training image is mirrored left to right with probability 1/2, which suits most objects but not
    /// digits.
    /// </summary>
    public bool Mirror { get; init; }

    /// <summary>
    /// By how many pixels each training image is shifted at most in either direction, with black beyond its edges: a
    /// random crop of the padded image.
    /// </summary>
    public int Crop { get; init; }

    /// <summary>The loss; by default the cross entropy of clean images.</summary>
    public ITrainingLoss Loss { get; init; } = new CrossEntropy();

    /// <summary>How the architecture's dropout numbers are read.</summary>
    public DropoutReading Dropout { get; init; }

    /// <summary>What is minimized, in one line; null for the cross entropy.</summary>
    public string? Description =>
        WeightPerturbation > 0
            ? Text($"{Loss.Description ?? "cross entropy"}, weight perturbation {WeightPerturbation}")
            : Loss.Description;

    /// <summary>The step size of a batch.</summary>
    /// <param name="epoch">The number of epochs done.</param>
    /// <param name="done">The share of the training that is done, in [0, 1].</param>
    public double RateAt(int epoch, double done) =>
        RateAt(done) / Math.Pow(Drop, Milestones.Count(milestone => milestone <= epoch));

    /// <summary>The optimizer of some parameters.</summary>
    internal optim.Optimizer Optimizer(IEnumerable<Tensor> weights) =>
        Momentum is { } momentum
            ? Optimizers.Sgd(weights, LearningRate, momentum, WeightDecay)
            : Optimizers.Adam(weights, LearningRate, weightDecay: WeightDecay);

    /// <inheritdoc/>
    public override void Check(int images)
    {
        base.Check(images);
        if (Momentum is { } momentum && momentum is not (>= 0 and < 1))
            throw new UserErrorException($"expected a momentum from 0 to below 1, got {momentum}");
        if (!(WeightDecay >= 0 && double.IsFinite(WeightDecay)))
            throw new UserErrorException($"expected a weight decay of 0 or more, got {WeightDecay}");
        if (WeightPerturbation is not (>= 0 and < 1))
            throw new UserErrorException($"expected a weight perturbation from 0 to below 1, got {WeightPerturbation}");
        if (Crop < 0)
            throw new UserErrorException($"expected a crop of 0 pixels or more, got {Crop}");
        if (Milestones.Zip(Milestones.Prepend(0)).Any(pair => pair.First <= pair.Second))
            throw new UserErrorException(
                $"expected milestones that are rising numbers of epochs, got {string.Join(',', Milestones)}"
            );
    }

    /// <inheritdoc/>
    public override string ToString() => string.Join(", ", Words());

    private IEnumerable<string> Words()
    {
        yield return Architecture;
        yield return Text($"{Epochs} epochs of batches of {BatchSize}");
        yield return Text($"learning rate {LearningRate} to {FinalLearningRate ?? LearningRate}");
        if (Milestones.Count > 0)
            yield return $"a tenth after epochs {string.Join(' ', Milestones)}";
        if (Momentum is { } momentum)
            yield return Text($"SGD with momentum {momentum}");
        if (WeightDecay > 0)
            yield return Text($"weight decay {WeightDecay}");
        if (Description is { } minimized)
            yield return minimized;
        if (Mirror)
            yield return "mirrored";
        if (Crop > 0)
            yield return Text($"shifted by up to {Crop} pixels");
        yield return $"dropout read as {Dropout}";
        yield return Text($"seed {Seed}");
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
