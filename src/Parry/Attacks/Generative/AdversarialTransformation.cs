using System.ComponentModel.DataAnnotations;
using Parry.Attacks.Building;
using Parry.Models;
using Parry.Models.Architectures;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.Generative;

/// <summary>
/// ATN, adversarial transformation networks (Baluja and Fischer, 2017, 1703.09387): a network is trained once to turn
/// any image into an adversarial one, by the loss β·|x' - x|² + L(f(x'), r), where f gives probabilities and r the
/// probabilities that are wanted of x': all of it for the wanted class t (the paper's simplest), or, with α, those of x
/// with t raised to α times the largest and a sum of 1, so that the other classes keep their order (the paper's
/// reranking). It adds a change to the image (P-ATN) or draws the image anew (AAE). It has no budget: β trades success
/// for size. β = 0.005, or 1 in Linf. Running it takes no pass of the model. Untargeted, t is the most likely wrong
/// class of each image. Deviations: L is the cross entropy where the paper has the squared distance, which is flat
/// where the model is sure; reranking is off unless asked for, because its images lie so near the boundary that most
/// fall back; one network for all wanted classes, which are told to it, instead of one network each; one hidden layer;
/// P-ATN clips where the paper has tanh; and in Linf the size is the L10 norm, which is smooth and not below the
/// largest change.
/// </summary>
public sealed record AdversarialTransformation : ITrainedAttack<IClassifier>
{
    private static readonly long[] s_classes = [1];
    private readonly double? _beta;

    private nn.Module<Tensor, Tensor>? _network;
    private bool _targeted;

    /// <inheritdoc/>
    public string Name => "atn";

    /// <summary>L2 or Linf.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Another norm.</exception>
    [Option("norm", "how the perturbation is measured")]
    [AllowedValues(Norm.L2, Norm.Linf)]
    public Norm Norm
    {
        get;
        init => field = value.Among(Norm.L2, Norm.Linf);
    } = Norm.L2;

    /// <summary>What the network draws.</summary>
    [Option("kind", "whether the network draws a change or the image")]
    public TransformationKind Kind { get; init; }

    /// <inheritdoc/>
    [Option("images", "training images it learns from", Min = 1)]
    public int TrainingImages { get; init; } = 2000;

    /// <summary>
    /// α: how many times as likely as the others the wanted class is to be, above 1; null for the only class.
    /// </summary>
    [Option("alpha", "how much likelier than the others the wanted class is to be; auto: it alone", Min = 1)]
    public double? Alpha { get; init; }

    /// <summary>β: the weight of the change's size.</summary>
    [Option("beta", "weight of the change's size; 1 when the norm is linf")]
    public double Beta
    {
        get => _beta ?? (Norm == Norm.Linf ? 1 : 0.005);
        init => _beta = value;
    }

    /// <summary>The number of times that the network sees each training image.</summary>
    [Option("epochs", "passes over the training images", Min = 1)]
    public int Epochs { get; init; } = 30;

    /// <summary>Units of the hidden layer.</summary>
    [Option("hidden", "units of the hidden layer", Min = 1)]
    public int Hidden { get; init; } = 500;

    /// <inheritdoc/>
    public bool IsTrained => _network is not null;

    /// <inheritdoc/>
    public ITrainedAttack<IClassifier> Train(
        IClassifier model,
        Batch data,
        IReadOnlyList<double> epsilons,
        IProgress<double>? progress = null,
        CancellationToken cancellation = default
    )
    {
        nn.Module<Tensor, Tensor> network = NewNetwork(model, data.Goal.IsTargeted, data.Random.Seed(0));
        new NetworkTraining(Epochs, BatchSize: 64, LearningRate: 1e-3).Run(
            network,
            data,
            data.Random.Seed(1),
            (batch, _) =>
            {
                Tensor wanted = Wanted(model, batch);
                Tensor drawn = Draw(network.forward(Input(batch.Images, batch.Goal, model.Classes)), batch.Images);
                LossGradient pass = model.Gradient(
                    batch.With(drawn),
                    logits => -(wanted * logits.log_softmax(-1)).sum(s_classes)
                );
                return (drawn * pass.Gradient).sum() + (Beta * Size(drawn - batch.Images));
            },
            progress,
            cancellation
        );
        return this with { _network = network, _targeted = data.Goal.IsTargeted };
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, Tensor>? Learned =>
        _network?.State().ToDictionary(weight => PrefixOf(_targeted) + weight.Key, weight => weight.Value);

    /// <inheritdoc/>
    public ITrainedAttack<IClassifier> WithLearned(IPredictor model, IReadOnlyDictionary<string, Tensor> learned)
    {
        bool targeted = learned.Under(PrefixOf(true)).Count > 0;
        nn.Module<Tensor, Tensor> network = NewNetwork(model, targeted, seed: 0);
        network.LoadState(learned.Under(PrefixOf(targeted)));
        return this with { _network = network, _targeted = targeted };
    }

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch)
    {
        Tensor images = batch.Images;
        Goal goal = batch.Goal;
        nn.Module<Tensor, Tensor> network =
            _network ?? throw new InvalidOperationException("The attack atn is not trained.");
        AttackChecks.TrainedFor(goal, _targeted);
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(Draw(NetworkTraining.Apply(network, Input(images, goal, model.Classes)), images));
    }

    /// <summary>Frees what it has learned.</summary>
    public void Dispose() => _network?.Dispose();

    private static string PrefixOf(bool targeted) => targeted ? "targeted." : "untargeted.";

    private nn.Module<Tensor, Tensor> NewNetwork(IPredictor model, bool targeted, long seed) =>
        NetworkTraining.Dense(
            model.Shape.Pixels + (targeted ? model.Classes : 0),
            Hidden,
            model.Shape.Pixels,
            seed,
            Kind == TransformationKind.Autoencoder ? nn.Sigmoid() : null
        );

    private Tensor Size(Tensor change) => Norm == Norm.L2 ? change.pow(2.0).sum() : SmoothLinf.Of(change).sum();

    private Tensor Draw(Tensor output, Tensor images)
    {
        Tensor drawn = output.reshape(images.shape);
        return Kind == TransformationKind.Autoencoder ? drawn : (images + drawn).clamp(0.0, 1.0);
    }

    // r: the wanted class alone, or the probabilities of the clean images with that class on top.
    private Tensor Wanted(IClassifier model, Batch batch)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor clean = model.Probabilities(batch.With(batch.Images));
        Tensor labels = batch.Goal.Labels.unsqueeze(1);
        Tensor target = batch.Goal.IsTargeted ? labels : clean.ScatterValue(1, labels, -1).argmax(1, true);
        Tensor isTarget = zeros_like(clean).ScatterValue(1, target, 1);
        if (Alpha is not { } alpha)
            return scope.MoveToOuter(isTarget);
        Tensor raised = where(isTarget > 0, alpha * clean.amax(s_classes, true), clean);
        return scope.MoveToOuter(raised / raised.sum(s_classes, true));
    }

    private static Tensor Input(Tensor images, Goal goal, int classes) =>
        goal.IsTargeted
            ? cat([images.flatten(1), nn.functional.one_hot(goal.Labels, classes).to(ScalarType.Float32)], 1)
            : images.flatten(1);
}
