using Parry.Attacks.Building;
using Parry.Models;
using Parry.Models.Architectures;
using Parry.Models.Training;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.Generative;

/// <summary>
/// The training of one AdvGAN generator: for every batch one step of the discriminator and one of the generator.
/// </summary>
public sealed class AdvGanTraining : EpochTrainer
{
    private const int BatchSize = 128;
    private const double LearningRate = 1e-3;
    private const double LastFifth = 0.8;

    private readonly AdvGan _options;
    private readonly IClassifier _model;
    private readonly double _epsilon;
    private readonly TrainingLanes _lanes;
    private readonly Learner _generator;
    private readonly Learner _discriminator;

    internal AdvGanTraining(
        AdvGan options,
        IClassifier model,
        Batch data,
        double epsilon,
        PerturbationGenerators? start = null,
        string recipe = ""
    )
        : this(options, model, data, epsilon, start?.For(data, epsilon), recipe, Lanes(data)) { }

    private AdvGanTraining(
        AdvGan options,
        IClassifier model,
        Batch data,
        double epsilon,
        PerturbationGenerator? start,
        string recipe,
        TrainingLanes lanes
    )
        : base(options.Epochs, lanes.BatchesPerEpoch)
    {
        (_options, _model, _epsilon, Recipe, _lanes) = (options, model, epsilon, recipe, lanes);
        var discriminator = Make(random => new PerturbationDiscriminator(model.Shape, random), data.Random.Seed(1));
        int? latent = start is null ? options.Latent : start.Latent;
        Generator = Make(random => new PerturbationGenerator(model.Shape, random, latent), data.Random.Seed(0));
        if (start is not null)
            Generator.LoadState(start.State().ToDictionary());
        _discriminator = new Learner("discriminator", discriminator, Adam);
        _generator = new Learner("generator", Generator, Adam);
    }

    /// <summary>The generator as trained so far.</summary>
    public PerturbationGenerator Generator { get; }

    /// <inheritdoc/>
    protected override string Recipe { get; }

    /// <inheritdoc/>
    protected override IReadOnlyList<Learner> Learners => [_generator, _discriminator];

    /// <summary>Trains from start to end and gives the generator to the caller, who owns it from now on.</summary>
    /// <param name="progress">Told the share that is done.</param>
    /// <param name="cancellation">Stops between batches.</param>
    /// <param name="before">Called before each pass over the images with its number.</param>
    internal PerturbationGenerator Run(
        IProgress<double>? progress,
        CancellationToken cancellation,
        Action<int>? before = null
    )
    {
        before?.Invoke(0);
        Run(
            null,
            step =>
            {
                if (step.Batch < step.Batches)
                    return;
                progress?.Report(Done);
                if (Epoch < Epochs)
                    before?.Invoke(Epoch);
            },
            cancellation
        );
        _generator.Release();
        return Generator;
    }

    /// <inheritdoc/>
    protected override BatchLoss Train(int iteration, int epoch)
    {
        double rate = epoch < LastFifth * Epochs ? LearningRate : LearningRate / 10;
        long[][] rows = _lanes.RowsOf(epoch, iteration % BatchesPerEpoch);
        foreach (Learner learner in Learners)
            learner.SetLearningRate(rate);
        _lanes.Step(_discriminator, rows, DiscriminatorLoss);
        return _lanes.Step(_generator, rows, GeneratorLoss);
    }

    private static TrainingLanes Lanes(Batch data) => new(data, BatchSize, data.Random.Seed(2));

    // Least squares: real images to 1, perturbed ones to 0.
    private Tensor DiscriminatorLoss(Batch batch)
    {
        Tensor drawn;
        using (no_grad())
            drawn = PerturbationGenerators.Add(batch.Images, Perturbation(batch.Images));
        Tensor real = Score(batch.Images);
        Tensor fake = Score(drawn);
        return (real - 1).pow(2).sum() + fake.pow(2).sum();
    }

    // L_adv + α·L_GAN + β·L_hinge: to fool the model, to be judged real, to stay short.
    private Tensor GeneratorLoss(Batch batch)
    {
        Tensor perturbation = Perturbation(batch.Images);
        Tensor drawn = PerturbationGenerators.Add(batch.Images, perturbation);
        Func<Tensor, Tensor> margin = AttackLoss.Margin(batch.Goal);
        Tensor slope = _model
            .Gradient(batch.With(drawn), logits => (_options.Confidence - margin(logits)).clamp_min(0.0))
            .Gradient;
        Tensor length = (perturbation.pow(2).SumPerImage() + 1e-12).sqrt();

        // Its gradient by the drawn images is the model's.
        Tensor adversarial = (drawn * slope).sum();
        Tensor realism = (Score(drawn) - 1).pow(2).sum();
        Tensor hinge = (length - _options.Bound).clamp_min(0.0).sum();
        return (_options.Adversarial * adversarial) + (_options.Realism * realism) + (_options.Hinge * hinge);
    }

    private Tensor Score(Tensor images) => _discriminator.Network.forward(images);

    private Tensor Perturbation(Tensor images) => _epsilon * Generator.forward(images);

    private static optim.Optimizer Adam(IEnumerable<Tensor> weights) => Optimizers.Adam(weights, LearningRate);

    private static T Make<T>(Func<Generator, T> make, long seed)
    {
        using var random = Devices.Generator(seed);
        return make(random);
    }
}
