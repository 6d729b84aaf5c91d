using Parry.Attacks.Building;
using Parry.Attacks.WhiteBox;
using Parry.Models;
using Parry.Models.Architectures;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.Transfer;

/// <summary>
/// The practical black-box attack (Papernot, McDaniel, Goodfellow, Jha, Celik, Swami, 2016, 1602.02697): of the model
/// only labels are seen. A substitute is trained on a few images labeled by the model, which are doubled before each
/// further round by Jacobian-based augmentation, x + λ·sign(∂p(label)/∂x), and labeled again; an attack on the
/// substitute then transfers. Budget and norm are the inner attack's. Untargeted or targeted as that attack is. The
/// setting is Defense-GAN's (1805.06605): 150 images that are not attacked, 6 rounds of 10 epochs of Adam, λ = 0.1,
/// FGSM. Running it takes no pass of the model. Deviations: augmented images are clipped to the box; the first images
/// too are labeled by the model; a substitute with dropout trains without it; and the inner attack leaves the true
/// label, not the substitute's.
/// </summary>
public sealed record Substitute : IBudgetAttack<IPredictor>, ITrainedAttack<IPredictor>
{
    private const int PieceSize = 256;

    private readonly double? _epsilon;
    private StableClassifier? _substitute;

    /// <inheritdoc/>
    public string Name => "substitute";

    /// <inheritdoc/>
    public Norm Norm => Inner.Norm;

    /// <summary>The largest perturbation, in the inner attack's norm; by default the inner attack's own.</summary>
    [Option("eps", "the largest perturbation, in the norm of the attack on the substitute")]
    public double Epsilon
    {
        get => _epsilon ?? Inner.Epsilon;
        init => _epsilon = value;
    }

    /// <summary>The attack on the substitute.</summary>
    [Option("attack", "the attack on the substitute")]
    public IBudgetAttack<IClassifier> Inner { get; init; } = new FastGradientSign();

    /// <inheritdoc/>
    [Option("images", "training images it starts from", Min = 1)]
    public int TrainingImages { get; init; } = 150;

    /// <summary>λ: the step of augmentation.</summary>
    [Option("lambda", "step of augmentation")]
    public double Lambda { get; init; } = 0.1;

    /// <summary>Rounds of training; the images double between them.</summary>
    [Option("rounds", "rounds of training; the images double between them", Min = 1)]
    public int Rounds { get; init; } = 6;

    /// <summary>The epochs of a round.</summary>
    [Option("epochs", "passes over the images in a round", Min = 1)]
    public int Epochs { get; init; } = 10;

    /// <summary>The substitute's architecture, one of <see cref="Classifiers.Names"/>.</summary>
    [Option("net", "the substitute's architecture", Values = "a classifier architecture such as e or lenet")]
    public string Architecture
    {
        get;
        init => field = Classifiers.NameWithoutBatchNorm(value);
    } = "classifier-e";

    /// <inheritdoc/>
    public bool IsTrained => _substitute is not null;

    /// <inheritdoc/>
    public ITrainedAttack<IPredictor> Train(
        IPredictor model,
        Batch data,
        IReadOnlyList<double> epsilons,
        IProgress<double>? progress = null,
        CancellationToken cancellation = default
    )
    {
        using var scope = NewDisposeScope();
        StableClassifier substitute = NewSubstitute(model, data.Random.Seed(0));
        Batch seen = Pieces(model, data, piece => piece.Images, cancellation);
        for (int round = 0; ; round++)
        {
            new NetworkTraining(Epochs, BatchSize: 128, LearningRate: 1e-3).Run(
                substitute.Network,
                seen,
                data.Random.Seed(1 + round),
                (batch, _) =>
                    nn.functional.nll_loss(
                        substitute.Network.forward(batch.Images).log_softmax(-1),
                        batch.Goal.Labels,
                        reduction: nn.Reduction.Sum
                    ),
                null,
                cancellation
            );
            progress?.Report((round + 1.0) / Rounds);
            if (round + 1 == Rounds)
                return this with { _substitute = substitute };
            seen = Join(seen, Pieces(model, seen, piece => Augment(substitute, piece), cancellation));
        }
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, Tensor>? Learned => _substitute?.Network.State().ToDictionary();

    /// <inheritdoc/>
    public ITrainedAttack<IPredictor> WithLearned(IPredictor model, IReadOnlyDictionary<string, Tensor> learned)
    {
        StableClassifier substitute = NewSubstitute(model, seed: 0);
        substitute.Network.LoadState(learned);
        return this with { _substitute = substitute };
    }

    /// <inheritdoc/>
    public Tensor Perturb(IPredictor model, Batch batch, double epsilon) => PerturbWithin(model, batch, [epsilon])[0];

    /// <inheritdoc/>
    public IReadOnlyList<Tensor> PerturbWithin(IPredictor model, Batch batch, IReadOnlyList<double> epsilons) =>
        Inner.PerturbWithin(
            _substitute ?? throw new InvalidOperationException("The attack substitute is not trained."),
            batch,
            epsilons
        );

    /// <summary>Frees what it has learned.</summary>
    public void Dispose() => _substitute?.Network.Dispose();

    private StableClassifier NewSubstitute(IPredictor model, long seed)
    {
        using var weights = Devices.Generator(seed);
        return new StableClassifier(
            Classifiers.Create(Architecture, model.Shape, model.Classes, weights),
            model.Shape,
            model.Classes
        );
    }

    // Images moved to where the substitute's belief in the model's label changes most.
    private Tensor Augment(IClassifier substitute, Batch batch)
    {
        Tensor labels = batch.Goal.Labels.unsqueeze(1);
        LossGradient pass = substitute.Gradient(
            batch.With(batch.Images),
            logits => logits.softmax(-1).gather(1, labels).squeeze(1)
        );
        return (batch.Images + (Lambda * pass.Gradient.sign())).clamp(0.0, 1.0);
    }

    // New images for the rows of a batch, with the labels that the model gives them; cut over the workers.
    private static Batch Pieces(IPredictor model, Batch data, Func<Batch, Tensor> draw, CancellationToken cancellation)
    {
        long[] rows = Rows.All(data.Count);
        Tensor[][] parts = Workers.Shared.MapRows(
            rows.Length,
            PieceSize,
            (from, to) =>
            {
                using var frozen = no_grad();
                using var scope = NewDisposeScope();
                Batch piece = data.Apart(rows[from..to]);
                Tensor images = draw(piece).clone();
                return scope.MoveAllToOuter(new[] { images, model.Predict(piece.With(images)) });
            },
            cancellation
        );
        Tensor all = cat([.. parts.Select(part => part[0])]);
        Tensor labels = cat([.. parts.Select(part => part[1])]);
        foreach (Tensor part in parts.SelectMany(part => part))
            part.Dispose();
        return data.WithImages(all).WithGoal(Goal.Untargeted(labels));
    }

    private static Batch Join(Batch old, Batch added)
    {
        long[] samples = [.. old.Samples.Span, .. added.Samples.Span];
        var images = new Images(cat([old.Images, added.Images]), samples);
        Goal goal = Goal.Untargeted(cat([old.Goal.Labels, added.Goal.Labels]));
        return new Batch(images, goal, old.Random);
    }

    // A classifier whose numbers for an image do not depend on the batch.
    private sealed class StableClassifier(nn.Module<Tensor, Tensor> network, ImageShape shape, int classes)
        : IClassifier
    {
        public nn.Module<Tensor, Tensor> Network => network;

        public ImageShape Shape => shape;

        public int Classes => classes;

        public Tensor Logits(Images images) => NetworkTraining.Apply(network, images.Pixels);
    }
}
