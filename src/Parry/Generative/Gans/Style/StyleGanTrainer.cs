using Parry.Models;
using Parry.Models.Architectures;
using Parry.Models.Files;
using Parry.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Parry.Generative.Gans.Style;

/// <summary>
/// Trains a <see cref="StyleGenerator"/> as it grows (1812.04948): non-saturating loss, penalty R1, style mixing; the
/// result is an average of the generator's weights.
/// </summary>
public sealed class StyleGanTrainer : IGanTrainer
{
    private const double Truncation = 0.7;

    private readonly StyleGan _recipe;
    private readonly TrainingImages _images;
    private readonly StyleGenerator _current;
    private readonly StyleGenerator _average;
    private readonly StyleDiscriminator _discriminator;
    private readonly Tensor[] _generatorWeights;
    private readonly Tensor[] _discriminatorWeights;
    private readonly optim.Optimizer _generatorStep;
    private readonly optim.Optimizer _discriminatorStep;

    /// <summary>Creates networks with fresh weights.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="images">The training images, bytes [N, C, H, W]; this object does not own them.</param>
    /// <exception cref="UserErrorException">The images are larger than 32x32 or fewer than a batch, or the batch is no
    /// multiple of 4.</exception>
    public StyleGanTrainer(StyleGan recipe, Tensor images)
    {
        if (recipe.BatchSize % 4 != 0)
            throw new UserErrorException(
                $"expected --batch to be a multiple of 4, in which StyleGAN groups images, got {recipe.BatchSize}"
            );
        _recipe = recipe;
        _images = new TrainingImages(images, null, recipe.BatchSize, recipe.Seed);
        using var random = Devices.Generator(recipe.Seed);
        _current = new StyleGenerator(_images.Shape, recipe.Width, recipe.Latent, random);
        _average = new StyleGenerator(_images.Shape, recipe.Width, recipe.Latent, random);
        _average.LoadState(_current.State().ToDictionary());
        _discriminator = new StyleDiscriminator(_images.Shape.Channels, recipe.Width, random);
        _current.RequireGrad();
        _discriminator.RequireGrad();
        _generatorWeights = [.. _current.Parameters().Select(p => p.Value)];
        _discriminatorWeights = [.. _discriminator.Parameters().Select(p => p.Value)];
        _generatorStep = Optimizers.Adam(_generatorWeights, recipe.LearningRate, 0, 0.99);
        _discriminatorStep = Optimizers.Adam(_discriminatorWeights, recipe.LearningRate, 0, 0.99);
    }

    /// <summary>The averaged generator.</summary>
    public nn.Module<Tensor, Tensor> Generator => _average;

    /// <inheritdoc/>
    public int Iteration { get; private set; }

    /// <inheritdoc/>
    public GanStep Step()
    {
        using var scope = NewDisposeScope();
        using var random = Devices.Generator((unchecked((_recipe.Seed * 1_000_003) + Iteration)));
        var (level, alpha) = _recipe.At(Iteration);
        _current.Train(random);
        Tensor real = Shrink(_images.Batch(Iteration).Images, level, alpha),
            fake;
        using (no_grad())
            fake = AtFullSize(Draw(level, alpha, random), level);
        Tensor loss = GanLoss
            .NonSaturating.Discriminator(
                _discriminator.Score(real, level, alpha),
                _discriminator.Score(fake, level, alpha)
            )
            .add(_discriminator.R1(real, level, alpha, _recipe.Penalty));
        Tensor?[] gradients = Autograd.Grad([loss], _discriminatorWeights);
        _discriminatorStep.Step(gradients);

        Tensor generatorLoss = GanLoss.NonSaturating.Generator(
            _discriminator.Score(AtFullSize(Draw(level, alpha, random), level), level, alpha)
        );
        Tensor?[] generatorGradients = Autograd.Grad([generatorLoss], _generatorWeights);
        _generatorStep.Step(generatorGradients);
        _current.Evaluate();
        Iteration++;
        UpdateAverage();
        return new GanStep(
            loss.ToDouble(),
            generatorLoss.ToDouble(),
            GanTrainer.Norm(gradients),
            GanTrainer.Norm(generatorGradients)
        );
    }

    /// <inheritdoc/>
    /// <remarks>Truncated by 0.7; while the generator is small its images are enlarged.</remarks>
    public Tensor Samples(int count) => Sheet(count, styles => _average.Truncate(styles, Truncation));

    /// <summary>
    /// Ten rows of ten images: the first four layers have the style of the row, the others that of the column.
    /// </summary>
    public Tensor MixingSheet() =>
        Sheet(
            20,
            styles =>
            {
                Tensor truncated = _average.Truncate(styles, Truncation);
                return StyleGenerator.Mix(
                    truncated.slice(0, 0, 10, 1).repeat_interleave(10, 0),
                    truncated.slice(0, 10, 20, 1).repeat(10, 1, 1),
                    4
                );
            }
        );

    /// <summary>
    /// Ten rows of ten images: a style for each row, truncated by 0 in the first column, where all images are the mean
    /// one, to 1 in the last.
    /// </summary>
    public Tensor TruncationSheet() =>
        Sheet(
            10,
            styles =>
                stack([.. Enumerable.Range(0, 10).Select(i => _average.Truncate(styles, i / 9.0))], 1).flatten(0, 1)
        );

    /// <inheritdoc/>
    public void Save(Stream stream) => GanCheckpoint.Save(stream, Iteration, _recipe.ToString(), Parts);

    /// <inheritdoc/>
    public void Resume(SafeTensorsFile checkpoint) =>
        Iteration = GanCheckpoint.Resume(checkpoint, _recipe.ToString(), Parts);

    /// <summary>Frees networks and optimizers.</summary>
    public void Dispose()
    {
        _current.Dispose();
        _average.Dispose();
        _discriminator.Dispose();
        _generatorStep.Dispose();
        _discriminatorStep.Dispose();
    }

    private (string, object)[] Parts =>
        [
            ("current", _current),
            ("average", _average),
            ("discriminator", _discriminator),
            ("generator-step", _generatorStep),
            ("discriminator-step", _discriminatorStep),
        ];

    private Tensor Draw(int level, double alpha, Generator random)
    {
        Tensor styles = _current.Map(randn([_recipe.BatchSize, _recipe.Latent], generator: random));
        double[] draws = Array.ConvertAll(rand([2], generator: random).ToArray<float>(), value => (double)value);
        Tensor others = _current.Map(randn([_recipe.BatchSize, _recipe.Latent], generator: random));
        int from = draws[0] < _recipe.Mixing ? 1 + (int)(draws[1] * ((2 * level) + 1)) : StyleGenerator.StyleLayers;
        return _current.Draw(StyleGenerator.Mix(styles, others, from), level, alpha);
    }

    // Real images as a level sees them; while it fades in, they too are blended with their enlarged halves.
    private static Tensor Shrink(Tensor images, int level, double alpha)
    {
        Tensor padded = Pad32(images);
        int factor = 32 / StyleGenerator.SizeOf(level);
        Tensor small = factor == 1 ? padded : nn.functional.avg_pool2d(padded, [factor, factor], [factor, factor]);
        if (alpha >= 1)
            return small;
        int size = StyleGenerator.SizeOf(level);
        return small
            .mul(alpha)
            .add(
                nn.functional.interpolate(nn.functional.avg_pool2d(small, [2, 2], [2, 2]), [size, size]).mul(1 - alpha)
            );
    }

    private static Tensor Pad32(Tensor images)
    {
        long down = 32 - images.size(2),
            right = 32 - images.size(3);
        return nn.functional.pad(images, [right / 2, right - (right / 2), down / 2, down - (down / 2)]);
    }

    private static Tensor AtFullSize(Tensor drawn, int level) =>
        level == StyleGenerator.LastLevel ? Pad32(drawn) : drawn;

    private void UpdateAverage()
    {
        using var frozen = no_grad();
        double keep = Math.Pow(0.5, _recipe.BatchSize / _recipe.HalfLife);
        keep = Math.Min(keep, (1.0 + Iteration) / (10 + Iteration));
        foreach (var ((_, average), (_, current)) in _average.State().Zip(_current.State()))
            average.mul_(keep).add_(current, 1 - keep);
    }

    private Tensor Sheet(int count, Func<Tensor, Tensor> change)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        using var random = Devices.Generator(_recipe.Seed);
        var (level, alpha) = _recipe.At(Math.Max(0, Iteration - 1));
        Tensor drawn = _average
            .Draw(change(_average.Map(randn([count, _recipe.Latent], generator: random))), level, alpha)
            .clamp(0.0, 1.0);
        if (level == StyleGenerator.LastLevel)
            return scope.MoveToOuter(drawn);
        Tensor large = nn.functional.interpolate(drawn, [32, 32]);
        ImageShape shape = _images.Shape;
        int top = (32 - shape.Height) / 2,
            left = (32 - shape.Width) / 2;
        return scope.MoveToOuter(
            large.slice(2, top, top + shape.Height, 1).slice(3, left, left + shape.Width, 1).clone()
        );
    }
}
