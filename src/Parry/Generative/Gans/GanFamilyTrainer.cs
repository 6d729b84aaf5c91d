using Parry.Models.Training;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Generative.Gans;

/// <summary>
/// Trains the networks of a <see cref="GanKind"/>: the discriminator on a batch of real and a batch of drawn images,
/// each with its own batch normalization, then the generator.
/// </summary>
public sealed class GanFamilyTrainer : GanTrainer
{
    private readonly GanRecipe _recipe;
    private readonly int _classes;
    private readonly Learner _generator;
    private readonly Learner _discriminator;

    /// <summary>Creates networks with fresh weights.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="images">The training images, bytes [N, C, H, W]; the caller owns them.</param>
    /// <param name="labels">Their classes, int64 [N], for a conditional GAN; the caller owns them.</param>
    /// <param name="classes">The number of classes, for a conditional GAN.</param>
    /// <exception cref="UserErrorException">The images do not fit the network, or are fewer than a batch.</exception>
    public GanFamilyTrainer(GanRecipe recipe, Tensor images, Tensor? labels = null, int classes = 0)
        : base(recipe.Iterations, images, labels, recipe.BatchSize, recipe.Seed, least: 2)
    {
        if (recipe.Kind == GanKind.Cgan && (labels is null || classes < 1))
            throw new ArgumentException("A conditional GAN needs labels and the number of classes.");
        _recipe = recipe;
        _classes = recipe.Kind == GanKind.Cgan ? classes : 0;
        using var random = Devices.Generator(recipe.Seed);
        _generator = new Learner(
            "generator",
            GanNetworks.Generator(recipe.Kind, Shape, recipe.Width, recipe.Latent, _classes).Build(random),
            weights => Optimizer(weights, recipe.GeneratorRate)
        );
        _discriminator = new Learner(
            "discriminator",
            GanNetworks.Discriminator(recipe.Kind, Shape, recipe.Width, _classes).Build(random),
            weights => Optimizer(weights, recipe.DiscriminatorRate)
        );
    }

    /// <inheritdoc/>
    public override nn.Module<Tensor, Tensor> Generator => _generator.Network;

    internal IEnumerable<Tensor> DiscriminatorWeights => _discriminator.Weights;

    /// <inheritdoc/>
    protected override string Recipe => (_recipe with { Iterations = 0 }).ToString();

    /// <inheritdoc/>
    protected override IReadOnlyList<Learner> Learners => [_generator, _discriminator];

    /// <inheritdoc/>
    protected override GanStep Train(int iteration, Generator random)
    {
        Descent discriminator = default;
        for (int step = 0; step < _recipe.DiscriminatorSteps; step++)
        {
            using var inner = NewDisposeScope();
            var (real, labels) = Batch(((long)iteration * _recipe.DiscriminatorSteps) + step);
            Tensor fake;
            using (no_grad())
                fake = Draw(Latents(real.size(0), random), labels);
            Tensor loss = _recipe.Loss.Discriminator(Score(real, labels), Score(fake, labels));
            discriminator = _discriminator.Minimize(loss);
            Clip();
        }

        Tensor? wanted = _classes == 0 ? null : Classes(_recipe.BatchSize, random);
        Tensor latents = Latents(_recipe.BatchSize, random);
        Descent generator = _generator.Minimize(_recipe.Loss.Generator(Score(Draw(latents, wanted), wanted)));
        return new GanStep(discriminator, generator);
    }

    /// <inheritdoc/>
    /// <remarks>
    /// A conditional GAN draws all classes from one latent vector before it takes the next.
    /// </remarks>
    protected override Tensor Samples(int count, Generator random)
    {
        if (_classes == 0)
            return Draw(Latents(count, random), null);
        Tensor latents = Latents((count + _classes - 1) / _classes, random)
            .repeat_interleave(_classes, 0)
            .slice(0, 0, count, 1);
        return Draw(latents, arange(count, ScalarType.Int64) % _classes);
    }

    // A clipped critic's gradients may be as small as 1e-10 per weight, where the usual epsilon would stop the
    // training.
    private optim.Optimizer Optimizer(IEnumerable<Tensor> weights, double rate) =>
        _recipe.Adam is var (first, second)
            ? Optimizers.Adam(weights, rate, first, second)
            : Optimizers.RmsProp(weights, rate, epsilon: 1e-14);

    private Tensor Latents(long count, Generator random) => random.Normal(count, _recipe.Latent);

    private Tensor Classes(long count, Generator random) => (random.Uniform(count) * _classes).to(ScalarType.Int64);

    private Tensor Draw(Tensor latents, Tensor? labels) =>
        Generator.forward(_classes == 0 ? latents : ConditionalGan.Latents(latents, labels!, _classes));

    private Tensor Score(Tensor images, Tensor? labels) =>
        _discriminator.Network.forward(_classes == 0 ? images : ConditionalGan.Images(images, labels!, _classes));

    private void Clip()
    {
        if (_recipe.Clip is not { } bound)
            return;
        using var frozen = no_grad();
        foreach (Tensor weight in _discriminator.Weights)
            weight.clamp_(-bound, bound);
    }
}
