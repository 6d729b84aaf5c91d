using Parry.Attacks.Catalog;
using Parry.Attacks.Steps;
using Parry.Models;
using Parry.Torch;
using Parry.Torch.Nn;

namespace Parry.Attacks.Generative;

/// <summary>
/// ATN, adversarial transformation networks (Baluja and Fischer, 2017, 1703.09387): a network is trained once to turn any image into an adversarial one, by
/// the loss β·|x' - x|² + |f(x') - r(f(x), t)|², where f gives probabilities and r raises the wanted class t to α times the largest and makes them sum to 1
/// again, so that the other classes keep their order. It adds a change to the image (P-ATN) or draws the image anew (AAE). It has no budget: β trades
/// success for size. α = 1.5, β = 0.005. Running it takes no pass of the model. Untargeted, t is the most likely wrong class of each image.
/// Deviations: one network for all wanted classes, which are told to it, instead of one network each; one hidden layer; P-ATN clips where the paper has tanh;
/// and the first half of the training lowers the cross entropy with t, because the paper's loss is flat where the model is sure.
/// </summary>
public sealed record AdversarialTransformation : ITrainedAttack<IClassifier>
{
    private static readonly long[] s_classes = [1];

    private Module? _network;
    private bool _targeted;

    /// <inheritdoc/>
    public string Name => "atn";

    /// <inheritdoc/>
    public Norm Norm => Norm.L2;

    /// <summary>What the network draws.</summary>
    public TransformationKind Kind { get; init; }

    /// <inheritdoc/>
    public int TrainingImages { get; init; } = 2000;

    /// <summary>α: by how much the wanted class is to exceed the others, above 1.</summary>
    public double Alpha { get; init; } = 1.5;

    /// <summary>β: the weight of the change's size.</summary>
    public double Beta { get; init; } = 0.005;

    /// <summary>The number of times that the network sees each training image.</summary>
    public int Epochs { get; init; } = 30;

    /// <summary>Units of the hidden layer.</summary>
    public int Hidden { get; init; } = 500;

    /// <inheritdoc/>
    public bool IsTrained => _network is not null;

    /// <summary>What the command line knows of it.</summary>
    public static AttackEntry Entry { get; } = new AttackEntry<AdversarialTransformation>(new(), "a trained network that turns images into adversarial ones", "Baluja and Fischer, 2017, 1703.09387")
        .Choice("kind", "whether the network draws a change or the image", attack => attack.Kind, (attack, value) => attack with { Kind = value })
        .Whole("images", 1, "training images it learns from", attack => attack.TrainingImages, (attack, value) => attack with { TrainingImages = value })
        .Number("alpha", 1, "by how much the wanted class exceeds the others", attack => attack.Alpha, (attack, value) => attack with { Alpha = value })
        .Number("beta", 0, "weight of the change's size", attack => attack.Beta, (attack, value) => attack with { Beta = value })
        .Whole("epochs", 1, "passes over the training images", attack => attack.Epochs, (attack, value) => attack with { Epochs = value })
        .Whole("hidden", 1, "units of the hidden layer", attack => attack.Hidden, (attack, value) => attack with { Hidden = value });

    /// <inheritdoc/>
    public ITrainedAttack<IClassifier> Train(IClassifier model, Tensor images, Goal goal, SampleRandom random, IReadOnlyList<double> epsilons,
        IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        int pixels = model.Shape.Pixels;
        Module network = NetworkTraining.Dense(pixels + (goal.IsTargeted ? model.Classes : 0), Hidden, pixels, random.Seed(0), Kind == TransformationKind.Autoencoder ? Activation.Sigmoid() : null);
        var training = new NetworkTraining(Epochs, BatchSize: 64, LearningRate: 1e-3);
        long warm = training.Steps(images.Size(0)) / 2;
        training.Run<IClassifier>(network, new(model, images, goal, random), random.Seed(1), (batch, step) =>
        {
            Tensor wanted = Reranked(batch), drawn = Draw(network.Forward(Input(batch.Images, batch.Goal, model.Classes)), batch.Images);
            LossGradient pass = batch.Model.Gradient(drawn, step < warm
                ? logits => AttackLoss.CrossEntropy(Goal.Targeted(wanted.ArgMax(1)))(logits).Neg()
                : logits => logits.Softmax().Sub(wanted).Pow(2).Sum(s_classes));
            return drawn.Mul(pass.Gradient).Sum().Add(drawn.Sub(batch.Images).Pow(2).Sum().Mul(Beta));
        }, progress, cancellation);
        return this with { _network = network, _targeted = goal.IsTargeted };
    }

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Tensor images, Goal goal, SampleRandom random)
    {
        Module network = _network ?? throw new InvalidOperationException("The attack atn is not trained.");
        if (goal.IsTargeted != _targeted) throw new UserErrorException($"the attack was trained {(_targeted ? "towards classes" : "untargeted")}: train it for the goal it is to have");
        using var scope = new TensorScope();
        return scope.Keep(Draw(NetworkTraining.Apply(network, Input(images, goal, model.Classes)), images));
    }

    /// <inheritdoc/>
    public override string ToString() => Entry.Describe(this);

    /// <summary>Frees what it has learned.</summary>
    public void Dispose() => _network?.Dispose();

    private Tensor Draw(Tensor output, Tensor images)
    {
        Tensor drawn = output.Reshape(images.Shape);
        return Kind == TransformationKind.Autoencoder ? drawn : images.Add(drawn).Clamp(0, 1);
    }

    // r: the probabilities of the clean images with the wanted class on top.
    private Tensor Reranked(AttackBatch<IClassifier> batch)
    {
        using var frozen = Autograd.NoGrad();
        using var scope = new TensorScope();
        Tensor clean = batch.Model.Probabilities(batch.Images), labels = batch.Goal.Labels.Unsqueeze(1);
        Tensor target = batch.Goal.IsTargeted ? labels : clean.Scatter(1, labels, -1).ArgMax(1, keep: true);
        Tensor isTarget = clean.ZerosLike().Scatter(1, target, 1).Greater(0.5);
        Tensor raised = Tensor.Where(isTarget, clean.Amax(s_classes, keep: true).Mul(Alpha), clean);
        return scope.Keep(raised.Div(raised.Sum(s_classes, keep: true)));
    }

    private static Tensor Input(Tensor images, Goal goal, int classes) =>
        goal.IsTargeted ? Tensor.Cat([images.Flatten(), goal.Labels.OneHot(classes).To(DType.Float32)], 1) : images.Flatten();
}
