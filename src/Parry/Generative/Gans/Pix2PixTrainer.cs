using Parry.Models;
using Parry.Models.Architectures;
using Parry.Models.Files;
using Parry.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Parry.Generative.Gans;

/// <summary>
/// Trains a network that turns one image into another, from pairs (Isola et al., 2016, 1611.07004): a
/// <see cref="UNet"/> is to be near the wanted image and to fool a <see cref="PatchDiscriminator"/>, whose loss is
/// halved.
/// </summary>
public sealed class Pix2PixTrainer : IGanTrainer
{
    private readonly Pix2Pix _recipe;
    private readonly string _task;
    private readonly Func<Tensor, Tensor, Tensor> _inputs;
    private readonly TrainingImages _images;
    private readonly UNet _generator;
    private readonly PatchDiscriminator _discriminator;
    private readonly Tensor[] _generatorWeights;
    private readonly Tensor[] _discriminatorWeights;
    private readonly optim.Optimizer _generatorStep;
    private readonly optim.Optimizer _discriminatorStep;

    /// <summary>Creates networks with fresh weights.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="images">The wanted images, bytes [N, C, H, W]; this object does not own them.</param>
    /// <param name="labels">Their classes, int64 [N]; this object does not own them.</param>
    /// <param name="task">What the inputs are, in a few words: a checkpoint belongs to one task.</param>
    /// <param name="inputs">Makes of a batch of wanted images in [0, 1] and its labels the images to start from, of the
    /// same shape; it draws nothing at random.</param>
    /// <exception cref="UserErrorException">There are fewer images than a batch.</exception>
    public Pix2PixTrainer(
        Pix2Pix recipe,
        Tensor images,
        Tensor labels,
        string task,
        Func<Tensor, Tensor, Tensor> inputs
    )
    {
        _recipe = recipe;
        _task = task;
        _inputs = inputs;
        _images = new TrainingImages(images, labels, recipe.BatchSize, recipe.Seed, least: 1);
        using var random = Devices.Generator(recipe.Seed);
        _generator = new UNet(_images.Shape.Channels, recipe.Width, random);
        _discriminator = new PatchDiscriminator(_images.Shape.Channels, recipe.Width, random);
        _generator.RequireGrad();
        _discriminator.RequireGrad();
        _generatorWeights = [.. _generator.Parameters().Select(p => p.Value)];
        _discriminatorWeights = [.. _discriminator.Parameters().Select(p => p.Value)];
        _generatorStep = Optimizers.Adam(_generatorWeights, recipe.LearningRate, 0.5);
        _discriminatorStep = Optimizers.Adam(_discriminatorWeights, recipe.LearningRate, 0.5);
    }

    /// <inheritdoc/>
    public nn.Module<Tensor, Tensor> Generator => _generator;

    /// <inheritdoc/>
    public int Iteration { get; private set; }

    /// <inheritdoc/>
    public GanStep Step()
    {
        using var scope = NewDisposeScope();
        using var random = Devices.Generator((unchecked((_recipe.Seed * 1_000_003) + Iteration)));
        _generatorStep.SetLearningRate(_recipe.RateAt(Iteration));
        _discriminatorStep.SetLearningRate(_recipe.RateAt(Iteration));
        var (wanted, labels) = _images.Batch(Iteration);
        Tensor input = _inputs(wanted, labels!);
        _generator.Train(random);
        _discriminator.Train(random);

        Tensor drawn = _generator.forward(input);
        Tensor loss = GanLoss.NonSaturating.Discriminator(Score(input, wanted), Score(input, drawn.detach())).mul(0.5);
        Tensor?[] gradients = Autograd.Grad([loss], _discriminatorWeights);
        _discriminatorStep.Step(gradients);

        Tensor likeness = drawn.sub(wanted).abs().mean().mul(2 * _recipe.Likeness);
        Tensor generatorLoss = GanLoss.NonSaturating.Generator(Score(input, drawn)).add(likeness);
        Tensor?[] generatorGradients = Autograd.Grad([generatorLoss], _generatorWeights);
        _generatorStep.Step(generatorGradients);
        _generator.Evaluate();
        _discriminator.Evaluate();
        Iteration++;
        return new GanStep(
            loss.ToDouble(),
            generatorLoss.ToDouble(),
            GanTrainer.Norm(gradients),
            GanTrainer.Norm(generatorGradients)
        );
    }

    /// <summary>
    /// Shows training images in threes: what the generator starts from, what it draws, what was wanted.
    /// </summary>
    public Tensor Samples(int count)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor[] threes =
        [
            .. Enumerable
                .Range(0, (count + (3 * _recipe.BatchSize) - 1) / (3 * _recipe.BatchSize))
                .Select(number =>
                {
                    var (wanted, labels) = _images.Batch(number);
                    Tensor input = _inputs(wanted, labels!);
                    return stack([input, _generator.forward(input), wanted], 1).flatten(0, 1);
                }),
        ];
        return scope.MoveToOuter(cat(threes).slice(0, 0, count, 1));
    }

    /// <inheritdoc/>
    public void Save(Stream stream) => GanCheckpoint.Save(stream, Iteration, Lasting, Parts);

    /// <inheritdoc/>
    public void Resume(SafeTensorsFile checkpoint) => Iteration = GanCheckpoint.Resume(checkpoint, Lasting, Parts);

    /// <summary>Frees networks and optimizers.</summary>
    public void Dispose()
    {
        _generator.Dispose();
        _discriminator.Dispose();
        _generatorStep.Dispose();
        _discriminatorStep.Dispose();
    }

    // All of it lasts: the step sizes depend on the number of iterations.
    private string Lasting => $"{_recipe} of {_task}";

    private (string, object)[] Parts =>
        [
            ("generator", _generator),
            ("discriminator", _discriminator),
            ("generator-step", _generatorStep),
            ("discriminator-step", _discriminatorStep),
        ];

    private Tensor Score(Tensor input, Tensor output) => _discriminator.forward(cat([input, output], 1));
}
