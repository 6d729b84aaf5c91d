using Parry.Attacks.Building;
using Parry.Models;
using Parry.Models.Architectures;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.Generative;

/// <summary>
/// AdvGAN against a black box (Xiao et al., 2018, 1801.02610, section 3.2): a local model is distilled from the model's
/// probabilities, and the generator learns against the local model. Static: distilled once, on real images. Dynamic:
/// before every epoch of the generator, the local model learns what the model answers on real images and on those that
/// the generator perturbs now. Linf, untargeted or targeted, like <see cref="AdvGan"/>; running it takes no query. The
/// local model learns from one half of the training images and the generator from the other. Deviations: dynamic
/// distillation, too, starts with epochs on real images alone, and a local model with dropout learns without it.
/// </summary>
public sealed record DistilledAdvGan : IBudgetAttack<IScorer>, ITrainedAttack<IScorer>
{
    private PerturbationGenerators? _learned;

    /// <inheritdoc/>
    public string Name => "advgan-distilled";

    /// <inheritdoc/>
    public Norm Norm => Norm.Linf;

    /// <summary>The attack on the local model, whose settings count.</summary>
    public AdvGan Inner { get; init; } = new();

    /// <inheritdoc/>
    [Option("eps", "the largest change of a pixel")]
    public double Epsilon
    {
        get => Inner.Epsilon;
        init => Inner = Inner with { Epsilon = value };
    }

    /// <summary>Whether the local model learns only once.</summary>
    [Option("kind", "whether the local model learns once, or along with the generator")]
    public DistillationKind Kind { get; init; } = DistillationKind.Dynamic;

    /// <inheritdoc/>
    [Option("images", "training images; half are for the local model", Min = 2)]
    public int TrainingImages { get; init; } = 10_000;

    /// <summary>Passes over the generator's images.</summary>
    [Option("epochs", "passes over the generator's images", Min = 1)]
    public int Epochs
    {
        get => Inner.Epochs;
        init => Inner = Inner with { Epochs = value };
    }

    /// <summary>Passes of the local model over its real images before the generator begins.</summary>
    [Option("distillation-epochs", "passes of the local model before the generator begins", Min = 1)]
    public int DistillationEpochs { get; init; } = 5;

    /// <summary>The local model's architecture, one of <see cref="Classifiers.Names"/>.</summary>
    [Option("net", "the local model's architecture", Values = "a classifier architecture such as e or lenet")]
    public string Architecture
    {
        get;
        init => field = Classifiers.NameWithoutBatchNorm(value);
    } = "lenet";

    /// <inheritdoc/>
    public bool IsTrained => _learned is not null;

    /// <inheritdoc/>
    public ITrainedAttack<IScorer> Train(
        IScorer model,
        Batch data,
        IReadOnlyList<double> epsilons,
        IProgress<double>? progress = null,
        CancellationToken cancellation = default
    )
    {
        // Every class is in the generator's half, also one with a single image.
        long[] labels = data.Goal.Labels.ToArray<long>();
        long[][] classes = [.. Rows.All(data.Count).GroupBy(row => labels[row]).Select(rows => rows.ToArray())];
        Batch Half(int odd) => data.Select([.. classes.SelectMany(rows => rows.Where((_, i) => i % 2 == odd))]);
        Batch own = Half(0);
        Batch forLocal = data.Count == classes.Length ? data : Half(1);
        return this with
        {
            _learned = PerturbationGenerators.Learn(
                own,
                epsilons,
                (some, epsilon, share) => Learn(model, some, forLocal, epsilon, share, cancellation),
                progress
            ),
        };
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, Tensor>? Learned => _learned?.State;

    /// <inheritdoc/>
    public ITrainedAttack<IScorer> WithLearned(IPredictor model, IReadOnlyDictionary<string, Tensor> learned) =>
        this with
        {
            _learned = PerturbationGenerators.Of(learned, model.Shape),
        };

    /// <inheritdoc/>
    public Tensor Perturb(IScorer model, Batch batch, double epsilon) => PerturbWithin(model, batch, [epsilon])[0];

    /// <inheritdoc/>
    public IReadOnlyList<Tensor> PerturbWithin(IScorer model, Batch batch, IReadOnlyList<double> epsilons)
    {
        Tensor images = batch.Images;
        Goal goal = batch.Goal;
        PerturbationGenerators learned =
            _learned ?? throw new InvalidOperationException("The attack advgan-distilled is not trained.");
        return [.. epsilons.Select(epsilon => learned.Perturb(images, goal, epsilon))];
    }

    /// <summary>Frees what it has learned.</summary>
    public void Dispose() => _learned?.Dispose();

    private PerturbationGenerator Learn(
        IScorer model,
        Batch data,
        Batch forLocal,
        double epsilon,
        IProgress<double> progress,
        CancellationToken cancellation
    )
    {
        using var weights = Devices.Generator(data.Random.Seed(3));
        using var local = new NetworkClassifier(
            Classifiers.Create(Architecture, model.Shape, model.Classes, weights),
            model.Shape,
            model.Classes
        );
        using var training = new AdvGanTraining(Inner, local, data, epsilon);

        Distill(
            local.Network,
            model,
            forLocal,
            DistillationEpochs,
            data.Random.Seed(4),
            generator: null,
            epsilon,
            cancellation
        );
        return training.Run(
            progress,
            cancellation,
            epoch =>
            {
                if (Kind == DistillationKind.Dynamic)
                    Distill(
                        local.Network,
                        model,
                        forLocal,
                        1,
                        data.Random.Seed(5 + epoch),
                        training.Generator,
                        epsilon,
                        cancellation
                    );
            }
        );
    }

    // The local model learns the model's probabilities on real images and on the same images perturbed.
    private static void Distill(
        nn.Module<Tensor, Tensor> local,
        IScorer model,
        Batch data,
        int epochs,
        long seed,
        PerturbationGenerator? generator,
        double epsilon,
        CancellationToken cancellation
    ) =>
        new NetworkTraining(epochs, BatchSize: 128, LearningRate: 1e-3).Run(
            local,
            data,
            seed,
            (batch, _) =>
            {
                Tensor loss = Distance(local, model, batch, batch.Images);
                if (generator is null)
                    return loss;
                Tensor perturbed;
                using (no_grad())
                    perturbed = PerturbationGenerators.Add(batch.Images, epsilon * generator.forward(batch.Images));
                return loss + Distance(local, model, batch, perturbed);
            },
            null,
            cancellation
        );

    // The summed cross entropy between the model's probabilities and the local one's.
    private static Tensor Distance(nn.Module<Tensor, Tensor> local, IScorer model, Batch batch, Tensor images)
    {
        Tensor probabilities;
        using (no_grad())
            probabilities = model.Probabilities(batch.With(images)).detach();
        return -(probabilities * local.forward(images).log_softmax(-1)).sum();
    }
}
