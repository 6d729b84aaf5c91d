using Parry.Models;
using Parry.Models.Architectures;
using Parry.Models.Files;
using Parry.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Parry.Generative.Gans;

/// <summary>
/// Trains the networks of a <see cref="GanKind"/>: the discriminator's steps on a batch of real and one of drawn images
/// each, normalized by batch separately, then one step of the generator.
/// </summary>
public sealed class GanTrainer : IGanTrainer
{
    private readonly GanRecipe _recipe;
    private readonly TrainingImages _images;
    private readonly int _classes;
    private readonly nn.Module<Tensor, Tensor> _discriminator;
    private readonly Tensor[] _generatorWeights;
    private readonly Tensor[] _discriminatorWeights;
    private readonly optim.Optimizer _generatorStep;
    private readonly optim.Optimizer _discriminatorStep;

    /// <summary>Creates networks with fresh weights.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="images">The training images, bytes [N, C, H, W]; this object does not own them.</param>
    /// <param name="labels">Their classes, int64 [N], for a conditional GAN; this object does not own them.</param>
    /// <param name="classes">How many classes there are, for a conditional GAN.</param>
    /// <exception cref="UserErrorException">The images do not fit the network, or are fewer than a batch.</exception>
    public GanTrainer(GanRecipe recipe, Tensor images, Tensor? labels = null, int classes = 0)
    {
        if (recipe.Kind == GanKind.Cgan && (labels is null || classes < 1))
            throw new ArgumentException("A conditional GAN needs labels and the number of classes.");
        _recipe = recipe;
        _classes = recipe.Kind == GanKind.Cgan ? classes : 0;
        _images = new TrainingImages(images, labels, recipe.BatchSize, recipe.Seed);
        using var random = Devices.Generator(recipe.Seed);
        Generator = GanNetworks
            .Generator(recipe.Kind, _images.Shape, recipe.Width, recipe.Latent, _classes)
            .Build(random);
        _discriminator = GanNetworks.Discriminator(recipe.Kind, _images.Shape, recipe.Width, _classes).Build(random);
        Generator.RequireGrad();
        _discriminator.RequireGrad();
        _generatorWeights = [.. Generator.Parameters().Select(p => p.Value)];
        _discriminatorWeights = [.. _discriminator.Parameters().Select(p => p.Value)];
        _generatorStep = MakeOptimizer(_generatorWeights, recipe.GeneratorRate);
        _discriminatorStep = MakeOptimizer(_discriminatorWeights, recipe.DiscriminatorRate);
    }

    /// <inheritdoc/>
    public nn.Module<Tensor, Tensor> Generator { get; }

    /// <inheritdoc/>
    public int Iteration { get; private set; }

    internal IEnumerable<Tensor> DiscriminatorWeights => _discriminatorWeights;

    /// <inheritdoc/>
    public GanStep Step()
    {
        using var scope = NewDisposeScope();
        using var random = Devices.Generator((unchecked((_recipe.Seed * 1_000_003) + Iteration)));
        Generator.Train(random);
        _discriminator.Train(random);
        double discriminatorLoss = 0,
            discriminatorGradient = 0;
        for (int step = 0; step < _recipe.DiscriminatorSteps; step++)
        {
            using var inner = NewDisposeScope();
            var (real, labels) = _images.Batch(((long)Iteration * _recipe.DiscriminatorSteps) + step);
            Tensor fake;
            using (no_grad())
                fake = Draw(Latents(real.size(0), random), labels);
            Tensor loss = _recipe.Loss.Discriminator(Score(real, labels), Score(fake, labels));
            Tensor?[] gradients = Autograd.Grad([loss], _discriminatorWeights);
            _discriminatorStep.Step(gradients);
            Clip();
            if (step == _recipe.DiscriminatorSteps - 1)
                (discriminatorLoss, discriminatorGradient) = (loss.ToDouble(), Norm(gradients));
        }

        Tensor? wanted =
            _classes == 0
                ? null
                : rand([_recipe.BatchSize], generator: random).mul((double)_classes).to(ScalarType.Int64);
        Tensor generatorLoss = _recipe.Loss.Generator(Score(Draw(Latents(_recipe.BatchSize, random), wanted), wanted));
        Tensor?[] generatorGradients = Autograd.Grad([generatorLoss], _generatorWeights);
        _generatorStep.Step(generatorGradients);
        Generator.Evaluate();
        _discriminator.Evaluate();
        Iteration++;
        return new GanStep(
            discriminatorLoss,
            generatorLoss.ToDouble(),
            discriminatorGradient,
            Norm(generatorGradients)
        );
    }

    /// <inheritdoc/>
    /// <remarks>
    /// A conditional GAN draws its classes in turn, all of them from one latent vector before the next.
    /// </remarks>
    public Tensor Samples(int count)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        using var random = Devices.Generator(_recipe.Seed);
        if (_classes == 0)
            return scope.MoveToOuter(Draw(Latents(count, random), null));
        Tensor latents = Latents((count + _classes - 1) / _classes, random)
            .repeat_interleave(_classes, 0)
            .slice(0, 0, count, 1);
        return scope.MoveToOuter(
            Draw(latents, tensor(Array.ConvertAll([.. Enumerable.Range(0, count)], i => (long)(i % _classes))))
        );
    }

    /// <inheritdoc/>
    public void Save(Stream stream) => GanCheckpoint.Save(stream, Iteration, Lasting, Parts);

    /// <inheritdoc/>
    public void Resume(SafeTensorsFile checkpoint) => Iteration = GanCheckpoint.Resume(checkpoint, Lasting, Parts);

    /// <summary>Frees networks and optimizers.</summary>
    public void Dispose()
    {
        Generator.Dispose();
        _discriminator.Dispose();
        _generatorStep.Dispose();
        _discriminatorStep.Dispose();
    }

    internal static double Norm(IEnumerable<Tensor?> gradients)
    {
        using var scope = NewDisposeScope();
        return Math.Sqrt(gradients.Sum(gradient => gradient is null ? 0 : gradient.mul(gradient).sum().ToDouble()));
    }

    // What a whole training keeps.
    private string Lasting => (_recipe with { Iterations = 0 }).ToString();

    private (string, object)[] Parts =>
        [
            ("generator", Generator),
            ("discriminator", _discriminator),
            ("generator-step", _generatorStep),
            ("discriminator-step", _discriminatorStep),
        ];

    // A clipped critic's gradients may be as small as 1e-10 for each weight; a usual epsilon would stop the training.
    private optim.Optimizer MakeOptimizer(Tensor[] weights, double rate) =>
        _recipe.Adam is var (first, second)
            ? Optimizers.Adam(weights, rate, first, second)
            : Optimizers.RmsProp(weights, rate, epsilon: 1e-14);

    private Tensor Latents(long count, Generator random) => randn([count, _recipe.Latent], generator: random);

    private Tensor Draw(Tensor latents, Tensor? labels) =>
        Generator.forward(_classes == 0 ? latents : ConditionalGan.Latents(latents, labels!, _classes));

    private Tensor Score(Tensor images, Tensor? labels) =>
        _discriminator.forward(_classes == 0 ? images : ConditionalGan.Images(images, labels!, _classes));

    private void Clip()
    {
        if (_recipe.Clip is not { } bound)
            return;
        using var frozen = no_grad();
        foreach (Tensor weight in _discriminatorWeights)
            weight.clamp_(-bound, bound);
    }
}
