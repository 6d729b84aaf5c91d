using Parry.Attacks.Building;
using Parry.Models;
using Parry.Models.Architectures;
using Parry.Options;
using static TorchSharp.torch;

namespace Parry.Attacks.Universal;

/// <summary>
/// ANGRI, antagonistic network for generating rogue images (Sarkar, Bansal, Mahbub, Chellappa, 2017, 1707.01159): a
/// network A sees image and wanted class and draws the adversarial image x' = A(x, t), by UPSET's loss -log p(t) +
/// w·|x' - x|². It has no budget: w trades success for size. Running it takes no pass of the model. Targeted; for an
/// untargeted goal it aims, for each true class, at the target that misclassifies most training images of that class.
/// Deviations: one hidden layer, and one classifier to fool where the paper also has several.
/// </summary>
public sealed record Angri : ITrainedAttack<IClassifier>
{
    private const string Chosen = "chosen";

    private nn.Module<Tensor, Tensor>? _network;
    private Tensor? _chosen;

    /// <inheritdoc/>
    public string Name => "angri";

    /// <inheritdoc/>
    public Norm Norm => Norm.L2;

    /// <inheritdoc/>
    [Option("images", "training images it learns from", Min = 1)]
    public int TrainingImages { get; init; } = 2000;

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
    public bool IsTrained => _network is not null;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, Tensor>? Learned =>
        _network?.State().Append(KeyValuePair.Create(Chosen, _chosen!)).ToDictionary();

    /// <inheritdoc/>
    public ITrainedAttack<IClassifier> WithLearned(IPredictor model, IReadOnlyDictionary<string, Tensor> learned)
    {
        nn.Module<Tensor, Tensor> network = NewNetwork(model, seed: 0);
        network.LoadState(learned.Where(weight => weight.Key != Chosen).ToDictionary());
        return this with { _network = network, _chosen = learned.Copy(Chosen) };
    }

    /// <inheritdoc/>
    public ITrainedAttack<IClassifier> Train(
        IClassifier model,
        Batch data,
        IReadOnlyList<double> epsilons,
        IProgress<double>? progress = null,
        CancellationToken cancellation = default
    )
    {
        nn.Module<Tensor, Tensor> network = NewNetwork(model, data.Random.Seed(0));
        new NetworkTraining(Epochs, BatchSize: 64, LearningRate: 1e-3).Run(
            network,
            data,
            data.Random.Seed(1),
            (batch, step) =>
            {
                Tensor targets = Targets.ToLearn(batch, model.Classes, step);
                Tensor drawn = network.forward(Input(batch.Images, targets, model.Classes)).reshape(batch.Images.shape);
                LossGradient pass = model.Gradient(
                    batch.With(drawn),
                    logits => -AttackLoss.CrossEntropy(Goal.Targeted(targets))(logits)
                );
                return (drawn * pass.Gradient).sum() + (Weight * (drawn - batch.Images).pow(2.0).sum());
            },
            progress,
            cancellation
        );
        return this with
        {
            _network = network,
            _chosen = Targets
                .Choose(model, data, (clean, targets) => Draw(network, clean, targets, model.Classes), cancellation)
                .DetachFromDisposeScope(),
        };
    }

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch)
    {
        nn.Module<Tensor, Tensor> network =
            _network ?? throw new InvalidOperationException("The attack angri is not trained.");
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(Draw(network, batch.Images, Targets.ToReach(batch.Goal, _chosen!), model.Classes));
    }

    /// <summary>Frees what it has learned.</summary>
    public void Dispose()
    {
        _network?.Dispose();
        _chosen?.Dispose();
    }

    private nn.Module<Tensor, Tensor> NewNetwork(IPredictor model, long seed) =>
        NetworkTraining.Dense(model.Shape.Pixels + model.Classes, Hidden, model.Shape.Pixels, seed, nn.Sigmoid());

    private static Tensor Draw(nn.Module<Tensor, Tensor> network, Tensor images, Tensor targets, int classes) =>
        NetworkTraining.Apply(network, Input(images, targets, classes)).reshape(images.shape);

    private static Tensor Input(Tensor images, Tensor targets, int classes) =>
        cat([images.flatten(1), nn.functional.one_hot(targets, classes).to(ScalarType.Float32)], 1);
}
