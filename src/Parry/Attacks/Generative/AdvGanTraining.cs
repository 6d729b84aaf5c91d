using Parry.Attacks.Steps;
using Parry.Models;
using Parry.Torch;
using Parry.Torch.Nn;
using Parry.Torch.Optim;

namespace Parry.Attacks.Generative;

/// <summary>The training of one AdvGAN generator: for every batch one step of the discriminator and one of the generator.</summary>
internal sealed class AdvGanTraining(AdvGan options, AttackBatch<IClassifier> data, double epsilon) : IDisposable
{
    private const int BatchSize = 128;
    private const double LearningRate = 1e-3;
    private const double LastFifth = 0.8;
    private static readonly long[] s_image = [1, 2, 3];

    private readonly TrainingLanes<IClassifier> _lanes = new(data, BatchSize, data.Random.Seed(2));
    private readonly PerturbationDiscriminator _discriminator = Make(random => new PerturbationDiscriminator(data.Model.Shape, random), data.Random.Seed(1));

    private bool _released;

    /// <summary>The generator as trained so far.</summary>
    public PerturbationGenerator Generator { get; } = Make(random => new PerturbationGenerator(data.Model.Shape, random), data.Random.Seed(0));

    /// <summary>Trains from start to end.</summary>
    /// <param name="progress">Told the share that is done.</param>
    /// <param name="cancellation">Stops between batches.</param>
    public PerturbationGenerator Run(IProgress<double>? progress, CancellationToken cancellation)
    {
        using AdvGanOptimizers optimizers = Begin();
        for (int epoch = 0; epoch < options.Epochs; epoch++)
        {
            RunEpoch(epoch, optimizers, cancellation);
            progress?.Report((epoch + 1.0) / options.Epochs);
        }

        return Release();
    }

    /// <summary>Gives the generator to the caller, who owns it from now on.</summary>
    public PerturbationGenerator Release()
    {
        _released = true;
        return Generator;
    }

    /// <summary>The optimizers of both networks.</summary>
    public AdvGanOptimizers Begin() => new(Optimizer(Generator), Optimizer(_discriminator));

    /// <summary>One pass over the images.</summary>
    public void RunEpoch(int epoch, AdvGanOptimizers optimizers, CancellationToken cancellation)
    {
        Generator.RequireGrad();
        _discriminator.RequireGrad();
        optimizers.Draw.LearningRate = optimizers.Judge.LearningRate = epoch < LastFifth * options.Epochs ? LearningRate : LearningRate / 10;
        Tensor[] judging = Weights(_discriminator), drawing = Weights(Generator);
        foreach (long[][] rows in _lanes.Epoch(epoch))
        {
            _lanes.Step(optimizers.Judge, judging, rows, Judge, cancellation);
            _lanes.Step(optimizers.Draw, drawing, rows, Draw, cancellation);
        }

        Generator.RequireGrad(false);
        _discriminator.RequireGrad(false);
    }

    public void Dispose()
    {
        _discriminator.Dispose();
        if (!_released) Generator.Dispose();
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
        Tensor fooling = batch.Model.Gradient(drawn, logits => margin(logits).SubtractedFrom(options.Confidence).ClampMin(0)).Gradient;
        Tensor length = perturbation.Pow(2).Sum(s_image).Add(1e-12).Sqrt();
        return drawn.Mul(fooling).Sum().Mul(options.Adversarial)
            .Add(_discriminator.Forward(drawn).Sub(1).Pow(2).Sum().Mul(options.Realism))
            .Add(length.Sub(options.Bound).ClampMin(0).Sum().Mul(options.Hinge));
    }

    private Tensor Perturbation(Tensor images) => Generator.Forward(images).Mul(epsilon);

    private static Adam Optimizer(Module network) => new(Weights(network), LearningRate);

    private static Tensor[] Weights(Module network) => [.. network.Parameters.Select(parameter => parameter.Value)];

    private static T Make<T>(Func<Generator, T> make, long seed)
    {
        using var random = new Generator(seed);
        return make(random);
    }
}

/// <summary>The optimizers of AdvGAN's networks.</summary>
/// <param name="Draw">The generator's.</param>
/// <param name="Judge">The discriminator's.</param>
internal sealed record AdvGanOptimizers(Adam Draw, Adam Judge) : IDisposable
{
    public void Dispose()
    {
        Draw.Dispose();
        Judge.Dispose();
    }
}
