using Parry.Attacks.Steps;
using Parry.Generative;
using Parry.Models;
using Parry.Torch;
using Parry.Torch.Nn;
using Parry.Torch.Optim;
using Parry.Torch.Serialization;

namespace Parry.Attacks.Generative;

/// <summary>
/// The training of one AdvGAN generator: for every batch one step of the discriminator and one of the generator. A run continued from a checkpoint gives the
/// generator that an unbroken run gives, bit for bit.
/// </summary>
public sealed class AdvGanTraining : IDisposable
{
    private const int BatchSize = 128;
    private const double LearningRate = 1e-3;
    private const double LastFifth = 0.8;
    private static readonly long[] s_image = [1, 2, 3];

    private readonly AdvGan _options;
    private readonly double _epsilon;
    private readonly string _recipe;
    private readonly TrainingLanes<IClassifier> _lanes;
    private readonly PerturbationDiscriminator _discriminator;
    private readonly Adam _draw, _judge;
    private bool _released;

    internal AdvGanTraining(AdvGan options, AttackBatch<IClassifier> data, double epsilon, PerturbationGenerators? start = null, string recipe = "")
    {
        (_options, _epsilon, _recipe) = (options, epsilon, recipe);
        PerturbationGenerator? first = start?.For(data, epsilon);
        _lanes = new TrainingLanes<IClassifier>(data, BatchSize, data.Random.Seed(2));
        _discriminator = Make(random => new PerturbationDiscriminator(data.Model.Shape, random), data.Random.Seed(1));
        Generator = Make(random => new PerturbationGenerator(data.Model.Shape, random), data.Random.Seed(0));
        if (first is not null) Generator.Load(first.State.ToDictionary());
        (_draw, _judge) = (new Adam(Weights(Generator), LearningRate), new Adam(Weights(_discriminator), LearningRate));
    }

    /// <summary>The generator as trained so far.</summary>
    public PerturbationGenerator Generator { get; }

    /// <summary>Passes over the images done so far.</summary>
    public int Epoch { get; private set; }

    /// <summary>Passes over the images in all.</summary>
    public int Epochs => _options.Epochs;

    private (string, object)[] Parts => [("generator", Generator), ("discriminator", _discriminator), ("generator-step", _draw), ("discriminator-step", _judge)];

    /// <summary>One pass over the images.</summary>
    /// <param name="cancellation">Stops between batches, with the pass half done: go on from a checkpoint then, not with this object.</param>
    public void RunEpoch(CancellationToken cancellation = default)
    {
        Generator.RequireGrad();
        _discriminator.RequireGrad();
        _draw.LearningRate = _judge.LearningRate = Epoch < LastFifth * Epochs ? LearningRate : LearningRate / 10;
        Tensor[] judging = Weights(_discriminator), drawing = Weights(Generator);
        foreach (long[][] rows in _lanes.Epoch(Epoch))
        {
            _lanes.Step(_judge, judging, rows, Judge, cancellation);
            _lanes.Step(_draw, drawing, rows, Draw, cancellation);
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
        if (!_released) Generator.Dispose();
        _discriminator.Dispose();
        _draw.Dispose();
        _judge.Dispose();
    }

    /// <summary>Trains from start to end and gives the generator to the caller, who owns it from now on.</summary>
    /// <param name="progress">Told the share that is done.</param>
    /// <param name="cancellation">Stops between batches.</param>
    /// <param name="before">Called before each pass with its number.</param>
    internal PerturbationGenerator Run(IProgress<double>? progress, CancellationToken cancellation, Action<int>? before = null)
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
    private Tensor Judge(AttackBatch<IClassifier> batch)
    {
        Tensor drawn;
        using (Autograd.NoGrad()) drawn = PerturbationGenerators.Add(batch.Images, Perturbation(batch.Images));
        return _discriminator.Forward(batch.Images).Sub(1).Pow(2).Sum().Add(_discriminator.Forward(drawn).Pow(2).Sum());
    }

    // The generator's loss: α to be judged real, β to stay short, and to fool the model.
    private Tensor Draw(AttackBatch<IClassifier> batch)
    {
        Tensor perturbation = Perturbation(batch.Images), drawn = PerturbationGenerators.Add(batch.Images, perturbation);
        Func<Tensor, Tensor> margin = AttackLoss.Margin(batch.Goal);
        Tensor fooling = batch.Model.Gradient(drawn, logits => margin(logits).SubtractedFrom(_options.Confidence).ClampMin(0)).Gradient;
        Tensor length = perturbation.Pow(2).Sum(s_image).Add(1e-12).Sqrt();
        return drawn.Mul(fooling).Sum().Mul(_options.Adversarial)
            .Add(_discriminator.Forward(drawn).Sub(1).Pow(2).Sum().Mul(_options.Realism))
            .Add(length.Sub(_options.Bound).ClampMin(0).Sum().Mul(_options.Hinge));
    }

    private Tensor Perturbation(Tensor images) => Generator.Forward(images).Mul(_epsilon);

    private static Tensor[] Weights(Module network) => [.. network.Parameters.Select(parameter => parameter.Value)];

    private static T Make<T>(Func<Generator, T> make, long seed)
    {
        using var random = new Generator(seed);
        return make(random);
    }
}
