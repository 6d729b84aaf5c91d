using Parry.Models.Training;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Generative.Gans;

/// <summary>
/// Trains a network on pairs to turn one image into another (Isola et al., 2016, 1611.07004): a <see cref="UNet"/>
/// learns to come near the target image and to fool a <see cref="PatchDiscriminator"/>, whose loss is halved.
/// </summary>
public sealed class Pix2PixTrainer : GanTrainer
{
    private readonly Pix2Pix _recipe;
    private readonly Func<Tensor, Tensor, Tensor> _inputs;
    private readonly Learner _generator;
    private readonly Learner _discriminator;

    /// <summary>Creates networks with fresh weights.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="images">The target images, bytes [N, C, H, W]; the caller owns them.</param>
    /// <param name="labels">Their classes, int64 [N]; the caller owns them.</param>
    /// <param name="task">The task in a few words, for checkpoints: each belongs to one task.</param>
    /// <param name="inputs">From a batch of target images in [0, 1] and its labels to the input images, of the same
    /// shape; it must not be random.</param>
    /// <exception cref="UserErrorException">There are fewer images than a batch.</exception>
    public Pix2PixTrainer(
        Pix2Pix recipe,
        Tensor images,
        Tensor labels,
        string task,
        Func<Tensor, Tensor, Tensor> inputs
    )
        : base(recipe.Iterations, images, labels, recipe.BatchSize, recipe.Seed)
    {
        (_recipe, _inputs) = (recipe, inputs);

        // The number of iterations is part of it, because the step sizes depend on it.
        Recipe = $"{recipe} of {task}";
        using var random = Devices.Generator(recipe.Seed);
        _generator = new Learner("generator", new UNet(Shape.Channels, recipe.Width, random), Adam);
        _discriminator = new Learner(
            "discriminator",
            new PatchDiscriminator(Shape.Channels, recipe.Width, random),
            Adam
        );
    }

    /// <inheritdoc/>
    public override nn.Module<Tensor, Tensor> Generator => _generator.Network;

    /// <inheritdoc/>
    protected override string Recipe { get; }

    /// <inheritdoc/>
    protected override IReadOnlyList<Learner> Learners => [_generator, _discriminator];

    /// <inheritdoc/>
    protected override GanStep Train(int iteration, Generator random)
    {
        foreach (Learner learner in Learners)
            learner.SetLearningRate(_recipe.RateAt(iteration));
        var (wanted, labels) = Batch(iteration);
        Tensor input = _inputs(wanted, labels!);
        Tensor drawn = Generator.forward(input);

        Tensor loss = GanLoss.NonSaturating.Discriminator(Score(input, wanted), Score(input, drawn.detach()));
        Descent discriminator = _discriminator.Minimize(loss * 0.5);

        // Both images in [-1, 1].
        Tensor difference = 2 * (drawn - wanted).abs().mean();
        Tensor fooling = GanLoss.NonSaturating.Generator(Score(input, drawn));
        Descent generator = _generator.Minimize(fooling + (_recipe.Likeness * difference));
        return new GanStep(discriminator, generator);
    }

    /// <inheritdoc/>
    /// <remarks>
    /// Training images in threes: the input, what the generator draws, the target.
    /// </remarks>
    protected override Tensor Samples(int count, Generator random)
    {
        int rows = 3 * _recipe.BatchSize;
        return cat([.. Enumerable.Range(0, (count + rows - 1) / rows).Select(Threes)]).slice(0, 0, count, 1);
    }

    private Tensor Threes(int number)
    {
        var (wanted, labels) = Batch(number);
        Tensor input = _inputs(wanted, labels!);
        return stack([input, Generator.forward(input), wanted], 1).flatten(0, 1);
    }

    private optim.Optimizer Adam(IEnumerable<Tensor> weights) => Optimizers.Adam(weights, _recipe.LearningRate, 0.5);

    private Tensor Score(Tensor input, Tensor output) => _discriminator.Network.forward(cat([input, output], 1));
}
