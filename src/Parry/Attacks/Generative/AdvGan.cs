using Parry.Attacks.Catalog;
using Parry.Data;
using Parry.Models;
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
    public double Epsilon
    {
        get => _epsilon ?? _usual;
        init => _epsilon = value;
    }

    /// <inheritdoc/>
    public int TrainingImages { get; init; } = 5000;

    /// <summary>The number of times that the generator sees each training image.</summary>
    public int Epochs { get; init; } = 15;

    /// <summary>The weight of the loss of the attacked model.</summary>
    public double Adversarial { get; init; } = 10;

    /// <summary>κ: an image counts no more once the goal is reached by this margin of the logits.</summary>
    public double Confidence { get; init; } = 2;

    /// <summary>α: the weight of looking real to the discriminator.</summary>
    public double Realism { get; init; } = 1;

    /// <summary>β: the weight of the perturbation's length above the bound.</summary>
    public double Hinge { get; init; } = 1;

    /// <summary>c: the L2 length of a perturbation that costs nothing.</summary>
    public double Bound { get; init; } = 3;

    /// <summary>The file or name of the generator that was loaded; null for none.</summary>
    public string? Weights { get; private init; }

    /// <inheritdoc/>
    public bool IsTrained => _learned is not null;

    /// <summary>What the command line knows of it.</summary>
    public static AttackEntry Entry { get; } =
        new AttackEntry<AdvGan>(
            new(),
            "a trained generator that draws perturbations, against a discriminator",
            "Xiao et al., 2018, 1801.02610"
        )
            .Budget(
                "the largest change of a pixel",
                attack => attack.Epsilon,
                (attack, value) => attack with { Epsilon = value }
            )
            .Whole(
                "images",
                1,
                "training images it learns from",
                attack => attack.TrainingImages,
                (attack, value) => attack with { TrainingImages = value }
            )
            .Whole(
                "epochs",
                1,
                "passes over the training images",
                attack => attack.Epochs,
                (attack, value) => attack with { Epochs = value }
            )
            .Number(
                "adversarial",
                0,
                "weight of fooling the model",
                attack => attack.Adversarial,
                (attack, value) => attack with { Adversarial = value }
            )
            .Number(
                "confidence",
                0,
                "by how much the goal is to win",
                attack => attack.Confidence,
                (attack, value) => attack with { Confidence = value }
            )
            .Number(
                "realism",
                0,
                "weight of fooling the discriminator",
                attack => attack.Realism,
                (attack, value) => attack with { Realism = value }
            )
            .Number(
                "hinge",
                0,
                "weight of the perturbation's L2 length above the bound",
                attack => attack.Hinge,
                (attack, value) => attack with { Hinge = value }
            )
            .Number(
                "bound",
                0,
                "L2 length that costs nothing",
                attack => attack.Bound,
                (attack, value) => attack with { Bound = value }
            )
            .Text(
                "weights",
                "a weight file or the name of one that ships",
                "a trained generator: it attacks the bare model as it is; for a defense it knows it learns on from "
                    + "there",
                attack => attack.Weights,
                (attack, text) => attack.Load(text)
            );

    /// <summary>
    /// The attack with a generator that was trained before, untargeted. To train it means to go on from that one, as
    /// against a defense that it did not know.
    /// </summary>
    /// <param name="weights">A file of <c>parry train advgan</c>, or the name of one that ships.</param>
    /// <exception cref="UserErrorException">There is none, or it holds something else.</exception>
    public AdvGan Load(string weights)
    {
        var (generator, epsilon, _) = PerturbationGenerator.Load(ModelCatalog.Find(weights));
        return this with
        {
            Weights = weights,
            _usual = epsilon,
            _learned = PerturbationGenerators.Of(generator, epsilon),
        };
    }

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

    /// <inheritdoc/>
    public override string ToString() => Entry.Describe(this);

    /// <summary>Frees what it has learned.</summary>
    public void Dispose() => _learned?.Dispose();
}
