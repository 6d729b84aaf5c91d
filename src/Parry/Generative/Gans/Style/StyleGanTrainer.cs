using Parry.Models.Training;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Generative.Gans.Style;

/// <summary>
/// Trains a <see cref="StyleGenerator"/> that grows (Karras, Laine, Aila, 2018, 1812.04948), with the non-saturating
/// loss, the penalty R1 and style mixing. The result is an average of the generator's weights.
/// </summary>
public sealed class StyleGanTrainer : GanTrainer
{
    private const double Truncation = 0.7;
    private const int FullSize = 32;

    private readonly StyleGan _recipe;
    private readonly StyleGenerator _current;
    private readonly StyleGenerator _averaged;
    private readonly StyleDiscriminator _network;
    private readonly Learner _generator;
    private readonly Learner _discriminator;
    private readonly WeightAverage _average;

    /// <summary>Creates networks with fresh weights.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="images">The training images, bytes [N, C, H, W]; the caller owns them.</param>
    /// <exception cref="UserErrorException">The images are larger than 32x32 or fewer than a batch, or the batch is not
    /// a multiple of 4.</exception>
    public StyleGanTrainer(StyleGan recipe, Tensor images)
        : base(recipe.Iterations, images, null, recipe.BatchSize, recipe.Seed)
    {
        if (recipe.BatchSize % 4 != 0)
            throw new UserErrorException(
                "expected a batch size that is a multiple of 4, in which StyleGAN groups images, got "
                    + $"{recipe.BatchSize}"
            );
        _recipe = recipe;
        using var random = Devices.Generator(recipe.Seed);
        _current = new StyleGenerator(Shape, recipe.Width, recipe.Latent, random);
        _averaged = new StyleGenerator(Shape, recipe.Width, recipe.Latent, random);
        _network = new StyleDiscriminator(Shape.Channels, recipe.Width, random);
        _average = new WeightAverage(_averaged, _current, Math.Pow(0.5, recipe.BatchSize / recipe.HalfLife));
        _generator = new Learner("current", _current, Adam);
        _discriminator = new Learner("discriminator", _network, Adam);
    }

    /// <summary>The averaged generator.</summary>
    public override nn.Module<Tensor, Tensor> Generator => _averaged;

    /// <inheritdoc/>
    protected override string Recipe => _recipe.ToString();

    /// <inheritdoc/>
    protected override IReadOnlyList<Learner> Learners => [_generator, _discriminator];

    /// <inheritdoc/>
    protected override nn.Module Average => _averaged;

    /// <inheritdoc/>
    protected override GanStep Train(int iteration, Generator random)
    {
        var (level, alpha) = _recipe.At(iteration);
        Tensor real = Shrink(Batch(iteration).Images, level, alpha);
        Tensor fake;
        using (no_grad())
            fake = Draw(level, alpha, random);
        Tensor loss = GanLoss.NonSaturating.Discriminator(
            _network.Score(real, level, alpha),
            _network.Score(fake, level, alpha)
        );
        Tensor penalty = _network.R1(real, level, alpha, _recipe.Penalty);
        Descent discriminator = _discriminator.Minimize(loss + penalty);

        Tensor score = _network.Score(Draw(level, alpha, random), level, alpha);
        Descent generator = _generator.Minimize(GanLoss.NonSaturating.Generator(score));
        _average.Update(iteration + 1);
        return new GanStep(discriminator, generator) { Penalty = penalty.Item() };
    }

    /// <inheritdoc/>
    /// <remarks>Styles are truncated by 0.7; images of a lower level are enlarged.</remarks>
    protected override Tensor Samples(int count, Generator random) =>
        Sheet(count, random, styles => _averaged.Truncate(styles, Truncation));

    /// <summary>
    /// Ten rows of ten images: the first four layers have the style of the row, the other layers that of the column.
    /// </summary>
    public Tensor MixingSheet() =>
        Sheet(
            20,
            styles =>
            {
                Tensor truncated = _averaged.Truncate(styles, Truncation);
                Tensor rows = truncated.slice(0, 0, 10, 1).repeat_interleave(10, 0);
                Tensor columns = truncated.slice(0, 10, 20, 1).repeat(10, 1, 1);
                return StyleGenerator.Mix(rows, columns, 4);
            }
        );

    /// <summary>
    /// Ten rows of ten images, with one style for each row, truncated from 0 in the first column, where all images are
    /// the mean one, to 1 in the last.
    /// </summary>
    public Tensor TruncationSheet() =>
        Sheet(
            10,
            styles =>
                stack([.. Enumerable.Range(0, 10).Select(i => _averaged.Truncate(styles, i / 9.0))], 1).flatten(0, 1)
        );

    private optim.Optimizer Adam(IEnumerable<Tensor> weights) =>
        Optimizers.Adam(weights, _recipe.LearningRate, 0, 0.99);

    // Draws images of a level for the discriminator; at the last level they are padded to 32x32.
    private Tensor Draw(int level, double alpha, Generator random)
    {
        Tensor styles = _current.Map(random.Normal(_recipe.BatchSize, _recipe.Latent));
        double[] draws = Array.ConvertAll(random.Uniform(2).ToArray<float>(), value => (double)value);
        Tensor others = _current.Map(random.Normal(_recipe.BatchSize, _recipe.Latent));
        int from = draws[0] < _recipe.Mixing ? 1 + (int)(draws[1] * ((2 * level) + 1)) : StyleGenerator.StyleLayers;
        Tensor drawn = _current.Draw(StyleGenerator.Mix(styles, others, from), level, alpha);
        return level == StyleGenerator.LastLevel ? Pad(drawn) : drawn;
    }

    // Shrinks real images to a level's size; while it fades in, they are blended with those of the level before,
    // enlarged.
    private static Tensor Shrink(Tensor images, int level, double alpha)
    {
        int size = StyleGenerator.SizeOf(level);
        int factor = FullSize / size;
        Tensor full = Pad(images);
        Tensor small = factor == 1 ? full : nn.functional.avg_pool2d(full, [factor, factor], [factor, factor]);
        if (alpha >= 1)
            return small;
        Tensor half = nn.functional.avg_pool2d(small, [2, 2], [2, 2]);
        return (alpha * small) + ((1 - alpha) * nn.functional.interpolate(half, [size, size]));
    }

    private static Tensor Pad(Tensor images)
    {
        long down = FullSize - images.size(2);
        long right = FullSize - images.size(3);
        return nn.functional.pad(images, [right / 2, right - (right / 2), down / 2, down - (down / 2)]);
    }

    private Tensor Sheet(int count, Func<Tensor, Tensor> change)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        using var random = Devices.Generator(_recipe.Seed);
        return scope.MoveToOuter(Sheet(count, random, change));
    }

    private Tensor Sheet(int count, Generator random, Func<Tensor, Tensor> change)
    {
        var (level, alpha) = _recipe.At(Math.Max(0, Iteration - 1));
        Tensor styles = change(_averaged.Map(random.Normal(count, _recipe.Latent)));
        Tensor drawn = _averaged.Draw(styles, level, alpha).clamp(0.0, 1.0);
        if (level == StyleGenerator.LastLevel)
            return drawn;
        Tensor large = nn.functional.interpolate(drawn, [FullSize, FullSize]);
        int top = (FullSize - Shape.Height) / 2;
        int left = (FullSize - Shape.Width) / 2;
        return large.slice(2, top, top + Shape.Height, 1).slice(3, left, left + Shape.Width, 1).clone();
    }
}
