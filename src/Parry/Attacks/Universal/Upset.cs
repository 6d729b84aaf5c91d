using Parry.Attacks.Building;
using Parry.Models;
using Parry.Models.Architectures;
using Parry.Options;
using static TorchSharp.torch;

namespace Parry.Attacks.Universal;

/// <summary>
/// UPSET, universal perturbations for steering to exact targets (Sarkar, Bansal, Mahbub, Chellappa, 2017, 1707.01159):
/// a residual network R learns for each class t one perturbation that steers any image there: x' = clip(x + s·R(t)), by
/// the loss -log p(t) + w·|x' - x|². It has no budget: w trades success for size. Running it takes no pass of the
/// model. s = 1 is the paper's 2 for images in [-1, 1]. Targeted; for an untargeted goal it aims, for each true class,
/// at the target that misclassifies most training images of that class. Deviations: one hidden layer, and one
/// classifier to fool where the paper also has several.
/// </summary>
public sealed record Upset : ITrainedAttack<IClassifier>
{
    private const string Perturbations = "perturbations";
    private const string Chosen = "chosen";

    private Tensor? _perturbations;
    private Tensor? _chosen;

    /// <inheritdoc/>
    public string Name => "upset";

    /// <inheritdoc/>
    public Norm Norm => Norm.L2;

    /// <inheritdoc/>
    [Option("images", "training images it learns from", Min = 1)]
    public int TrainingImages { get; init; } = 2000;

    /// <summary>s: the largest change of a value.</summary>
    [Option("scale", "largest change of a value")]
    public double Scale { get; init; } = 1;

    /// <summary>w: the weight of the change's size.</summary>
    [Option("weight", "weight of the change's size")]
    public double Weight { get; init; } = 0.05;

    /// <summary>The number of times that the network sees each training image.</summary>
    [Option("epochs", "passes over the training images", Min = 1)]
    public int Epochs { get; init; } = 20;

    /// <summary>Units of the hidden layer.</summary>
    [Option("hidden", "units of the hidden layer", Min = 1)]
    public int Hidden { get; init; } = 500;

    /// <inheritdoc/>
    public bool IsTrained => _perturbations is not null;

    /// <inheritdoc/>
    public ITrainedAttack<IClassifier> Train(
        IClassifier model,
        Batch data,
        IReadOnlyList<double> epsilons,
        IProgress<double>? progress = null,
        CancellationToken cancellation = default
    )
    {
        int classes = model.Classes;
        using nn.Module<Tensor, Tensor> network = NetworkTraining.Dense(
            classes,
            Hidden,
            model.Shape.Pixels,
            data.Random.Seed(0),
            nn.Tanh()
        );
        new NetworkTraining(Epochs, BatchSize: 64, LearningRate: 1e-3).Run(
            network,
            data,
            data.Random.Seed(1),
            (batch, step) =>
            {
                Tensor targets = Targets.ToLearn(batch, model.Classes, step);
                Tensor drawn = (batch.Images + Changes(network, targets, classes, model.Shape)).clamp(0.0, 1.0);
                LossGradient pass = model.Gradient(
                    batch.With(drawn),
                    logits => -AttackLoss.CrossEntropy(Goal.Targeted(targets))(logits)
                );
                return (drawn * pass.Gradient).sum() + (Weight * (drawn - batch.Images).pow(2.0).sum());
            },
            progress,
            cancellation
        );
        Tensor each = Changes(network, arange(classes, ScalarType.Int64), classes, model.Shape)
            .DetachFromDisposeScope();
        Tensor chosen = Targets
            .Choose(model, data, (clean, targets) => Add(clean, each, targets), cancellation)
            .DetachFromDisposeScope();
        return this with { _perturbations = each, _chosen = chosen };
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, Tensor>? Learned =>
        IsTrained ? new Dictionary<string, Tensor> { [Perturbations] = _perturbations!, [Chosen] = _chosen! } : null;

    /// <inheritdoc/>
    public ITrainedAttack<IClassifier> WithLearned(IPredictor model, IReadOnlyDictionary<string, Tensor> learned) =>
        this with
        {
            _perturbations = learned.Copy(Perturbations),
            _chosen = learned.Copy(Chosen),
        };

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch)
    {
        Tensor each = _perturbations ?? throw new InvalidOperationException("The attack upset is not trained.");
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(Add(batch.Images, each, Targets.ToReach(batch.Goal, _chosen!)));
    }

    /// <summary>Frees what it has learned.</summary>
    public void Dispose()
    {
        _perturbations?.Dispose();
        _chosen?.Dispose();
    }

    // s·R(t) of each target, [N, C, H, W].
    private Tensor Changes(nn.Module<Tensor, Tensor> network, Tensor targets, int classes, ImageShape shape)
    {
        Tensor told = nn.functional.one_hot(targets, classes).to(ScalarType.Float32);
        return Scale * network.forward(told).reshape(-1, shape.Channels, shape.Height, shape.Width);
    }

    private static Tensor Add(Tensor images, Tensor each, Tensor targets) =>
        (images + each.index_select(0, targets)).clamp(0.0, 1.0);
}
