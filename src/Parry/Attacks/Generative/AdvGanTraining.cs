using Parry.Attacks.Building;
using Parry.Generative;
using Parry.Models;
using Parry.Models.Architectures;
using Parry.Models.Files;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.Generative;

/// <summary>
/// The training of one AdvGAN generator: for every batch one step of the discriminator and one of the generator. A run
/// continued from a checkpoint gives the generator that an unbroken run gives, bit for bit.
/// </summary>
public sealed class AdvGanTraining : IDisposable
{
    private const int BatchSize = 128;
    private const double LearningRate = 1e-3;
    private const double LastFifth = 0.8;
    private static readonly long[] s_image = [1, 2, 3];

    private readonly AdvGan _options;
    private readonly IClassifier _model;
    private readonly double _epsilon;
    private readonly string _recipe;
    private readonly TrainingLanes _lanes;
    private readonly PerturbationDiscriminator _discriminator;
    private readonly optim.Optimizer _draw,
        _judge;
    private bool _released;

    internal AdvGanTraining(
        AdvGan options,
        IClassifier model,
        Batch data,
        double epsilon,
        PerturbationGenerators? start = null,
        string recipe = ""
    )
    {
        (_options, _model, _epsilon, _recipe) = (options, model, epsilon, recipe);
        PerturbationGenerator? first = start?.For(data, epsilon);
        _lanes = new TrainingLanes(data, BatchSize, data.Random.Seed(2));
        _discriminator = Make(random => new PerturbationDiscriminator(model.Shape, random), data.Random.Seed(1));
        Generator = Make(random => new PerturbationGenerator(model.Shape, random), data.Random.Seed(0));
        if (first is not null)
            Generator.LoadState(first.State().ToDictionary());
        (_draw, _judge) = (
            Optimizers.Adam(Weights(Generator), LearningRate),
            Optimizers.Adam(Weights(_discriminator), LearningRate)
        );
    }

    /// <summary>The generator as trained so far.</summary>
    public PerturbationGenerator Generator { get; }

    /// <summary>Passes over the images done so far.</summary>
    public int Epoch { get; private set; }

    /// <summary>Passes over the images in all.</summary>
    public int Epochs => _options.Epochs;

    private (string, object)[] Parts =>
        [
            ("generator", Generator),
            ("discriminator", _discriminator),
            ("generator-step", _draw),
            ("discriminator-step", _judge),
        ];

    /// <summary>One pass over the images.</summary>
    /// <param name="cancellation">Stops between batches, with the pass half done: go on from a checkpoint then, not
    /// with this object.</param>
    public void RunEpoch(CancellationToken cancellation = default)
    {
        Generator.RequireGrad();
        _discriminator.RequireGrad();
        double rate = Epoch < LastFifth * Epochs ? LearningRate : LearningRate / 10;
        _draw.SetLearningRate(rate);
        _judge.SetLearningRate(rate);
        Tensor[] judging = Weights(_discriminator),
            drawing = Weights(Generator);
        foreach (long[][] rows in _lanes.Epoch(Epoch))
        {
            _lanes.Step(_judge, judging, rows, batch => Judge(_model, batch), cancellation);
            _lanes.Step(_draw, drawing, rows, batch => Draw(_model, batch), cancellation);
        }

        Generator.RequireGrad(false);
        _discriminator.RequireGrad(false);
        Epoch++;
    }

    /// <summary>Writes everything a run needs to go on, as one safetensors file.</summary>
    public void Save(Stream stream) => GanCheckpoint.Save(stream, Epoch, _recipe, Parts);

    /// <summary>Goes on from what <see cref="Save"/> wrote.</summary>
    /// <exception cref="UserErrorException">The checkpoint was made with another recipe.</exception>
    /// <exception cref="InvalidDataException">The checkpoint is damaged.</exception>
    public void Resume(SafeTensorsFile checkpoint) => Epoch = GanCheckpoint.Resume(checkpoint, _recipe, Parts);

    /// <summary>Frees the networks and the optimizers.</summary>
    public void Dispose()
    {
        if (!_released)
            Generator.Dispose();
        _discriminator.Dispose();
        _draw.Dispose();
        _judge.Dispose();
    }

    /// <summary>Trains from start to end and gives the generator to the caller, who owns it from now on.</summary>
    /// <param name="progress">Told the share that is done.</param>
    /// <param name="cancellation">Stops between batches.</param>
    /// <param name="before">Called before each pass with its number.</param>
    internal PerturbationGenerator Run(
        IProgress<double>? progress,
        CancellationToken cancellation,
        Action<int>? before = null
    )
    {
        while (Epoch < Epochs)
        {
            before?.Invoke(Epoch);
            RunEpoch(cancellation);
            progress?.Report((double)Epoch / Epochs);
        }

        _released = true;
        return Generator;
    }

    // The discriminator's loss: real images to 1, perturbed ones to 0.
    private Tensor Judge(IClassifier model, Batch batch)
    {
        Tensor drawn;
        using (no_grad())
            drawn = PerturbationGenerators.Add(batch.Images, Perturbation(batch.Images));
        return _discriminator
            .forward(batch.Images)
            .sub(1.0)
            .pow(2.0)
            .sum()
            .add(_discriminator.forward(drawn).pow(2.0).sum());
    }

    // The generator's loss: α to be judged real, β to stay short, and to fool the model.
    private Tensor Draw(IClassifier model, Batch batch)
    {
        Tensor perturbation = Perturbation(batch.Images),
            drawn = PerturbationGenerators.Add(batch.Images, perturbation);
        Func<Tensor, Tensor> margin = AttackLoss.Margin(batch.Goal);
        Tensor fooling = model
            .Gradient(batch.With(drawn), logits => (_options.Confidence - margin(logits)).clamp_min(0.0))
            .Gradient;
        Tensor length = perturbation.pow(2.0).sum(s_image).add(1e-12).sqrt();
        return drawn
            .mul(fooling)
            .sum()
            .mul(_options.Adversarial)
            .add(_discriminator.forward(drawn).sub(1.0).pow(2.0).sum().mul(_options.Realism))
            .add(length.sub(_options.Bound).clamp_min(0.0).sum().mul(_options.Hinge));
    }

    private Tensor Perturbation(Tensor images) => Generator.forward(images).mul(_epsilon);

    private static Tensor[] Weights(nn.Module<Tensor, Tensor> network) =>
        [.. network.Parameters().Select(parameter => parameter.Value)];

    private static T Make<T>(Func<Generator, T> make, long seed)
    {
        using var random = Devices.Generator(seed);
        return make(random);
    }
}
