using Parry.Data;
using Parry.Models;
using Parry.Options;
using static TorchSharp.torch;

namespace Parry.Attacks.Generative;

/// <summary>
/// AdvGAN (Xiao, Li, Zhu, He, Liu, Song, 2018, 1801.02610): a generator learns to draw for any image a perturbation
/// that fools the model, while a discriminator learns to tell perturbed images from real ones. Semi-white-box: training
/// needs the model's gradients, running takes no pass of the model. Linf, ε = 0.3; untargeted, or one generator for
/// each wanted class. The loss is L_adv + α·L_GAN + β·L_hinge: a margin of the logits, least squares against the
/// discriminator, and max(0, |G(x)|₂ - c). Adam 1e-3, batches of 128. Deviations: the perturbation is ε·tanh instead of
/// a clipped tanh, so no pixel's gradient is cut off; the adversarial loss is weighed by the option adversarial (a mean
/// over logits wants another weight than the released codes' sums over probabilities); the step size falls to a tenth
/// for the last fifth of the training.
/// </summary>
public sealed record AdvGan : IBudgetAttack<IClassifier>, ITrainedAttack<IClassifier>
{
    private PerturbationGenerators? _learned;
    private double? _epsilon;
    private double _usual = 0.3;

    /// <inheritdoc/>
    public string Name => "advgan";

    /// <inheritdoc/>
    public Norm Norm => Norm.Linf;

    /// <summary>
    /// The largest change of a pixel; by default 0.3, or what the generator that was loaded was trained for.
    /// </summary>
    [Option("eps", "the largest change of a pixel")]
    public double Epsilon
    {
        get => _epsilon ?? _usual;
        init => _epsilon = value;
    }

    /// <inheritdoc/>
    [Option("images", "training images it learns from", Min = 1)]
    public int TrainingImages { get; init; } = 5000;

    /// <summary>The number of times that the generator sees each training image.</summary>
    [Option("epochs", "passes over the training images", Min = 1)]
    public int Epochs { get; init; } = 15;

    /// <summary>The weight of the loss of the attacked model.</summary>
    [Option("adversarial", "weight of fooling the model")]
    public double Adversarial { get; init; } = 10;

    /// <summary>κ: an image counts no more once the goal is reached by this margin of the logits.</summary>
    [Option("confidence", "by how much the goal is to win")]
    public double Confidence { get; init; } = 2;

    /// <summary>α: the weight of looking real to the discriminator.</summary>
    [Option("realism", "weight of fooling the discriminator")]
    public double Realism { get; init; } = 1;

    /// <summary>β: the weight of the perturbation's length above the bound.</summary>
    [Option("hinge", "weight of the perturbation's L2 length above the bound")]
    public double Hinge { get; init; } = 1;

    /// <summary>c: the L2 length of a perturbation that costs nothing.</summary>
    [Option("bound", "L2 length that costs nothing")]
    public double Bound { get; init; } = 3;

    /// <summary>
    /// The length of the latent vector of a generator of five convolutions down and five up; null for the paper's.
    /// </summary>
    [Option("latent", "length of the latent vector of a generator of five convolutions down and five up", Min = 1)]
    public int? Latent { get; init; }

    /// <summary>
    /// A file of <c>parry train advgan</c>, or the name of one that ships: a generator that was trained before,
    /// untargeted. To train the attack then means to go on from that one, as against a defense that it did not know.
    /// Null for none.
    /// </summary>
    /// <exception cref="UserErrorException">There is none, or it holds something else.</exception>
    [Option(
        "weights",
        "a trained generator: it attacks the bare model as it is; for a defense it knows it learns on from there",
        Values = "a weight file or the name of one that ships"
    )]
    public string? Weights
    {
        get;
        init
        {
            field = value;
            if (value is null)
                return;
            (PerturbationGenerator generator, _usual, _) = PerturbationGenerator.Load(ModelCatalog.Find(value));
            _learned = PerturbationGenerators.Of(generator, _usual);
        }
    }

    /// <inheritdoc/>
    public bool IsTrained => _learned is not null;

    /// <inheritdoc/>
    public void CheckFits(IPredictor model, IReadOnlyList<double> epsilons) => _learned?.CheckFits(model.Shape);

    /// <summary>
    /// Prepares the training of a generator that is to be kept in a weight file, untargeted and for the attack's own
    /// budget; the caller owns it.
    /// </summary>
    /// <param name="model">The model it learns to attack, in evaluation mode.</param>
    /// <param name="modelName">Its name, for checkpoints.</param>
    /// <param name="known">Other images than those it will attack; as many of the first as it asks for are
    /// used.</param>
    /// <param name="seed">Decides every random draw.</param>
    public AdvGanTraining On(IClassifier model, string modelName, ImageSet known, long seed)
    {
        var (images, labels) = known.First(TrainingImages);
        string recipe = $"{this} against {modelName} on {images.size(0)} images of {known.Name}, seed {seed}";
        return new(
            this,
            model,
            AttackRunner.TrainingBatch(images, Goal.Untargeted(labels), seed),
            Epsilon,
            _learned,
            recipe
        );
    }

    /// <inheritdoc/>
    public ITrainedAttack<IClassifier> Train(
        IClassifier model,
        Batch data,
        IReadOnlyList<double> epsilons,
        IProgress<double>? progress = null,
        CancellationToken cancellation = default
    ) =>
        this with
        {
            _learned = PerturbationGenerators.Learn(
                data,
                epsilons,
                (some, epsilon, share) =>
                {
                    using var training = new AdvGanTraining(this, model, some, epsilon, _learned);
                    return training.Run(share, cancellation);
                },
                progress
            ),
        };

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, Tensor>? Learned => _learned?.State;

    /// <inheritdoc/>
    public ITrainedAttack<IClassifier> WithLearned(IPredictor model, IReadOnlyDictionary<string, Tensor> learned) =>
        this with
        {
            _learned = PerturbationGenerators.Of(learned, model.Shape),
        };

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch, double epsilon) => PerturbWithin(model, batch, [epsilon])[0];

    /// <inheritdoc/>
    public IReadOnlyList<Tensor> PerturbWithin(IClassifier model, Batch batch, IReadOnlyList<double> epsilons)
    {
        Tensor images = batch.Images;
        Goal goal = batch.Goal;
        PerturbationGenerators learned =
            _learned ?? throw new InvalidOperationException("The attack advgan is not trained.");
        return [.. epsilons.Select(epsilon => learned.Perturb(images, goal, epsilon))];
    }

    /// <summary>Frees what it has learned.</summary>
    public void Dispose() => _learned?.Dispose();
}
