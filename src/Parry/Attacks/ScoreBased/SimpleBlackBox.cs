using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.ScoreBased;

/// <summary>
/// SimBA (Guo, Gardner, You, Wilson, Weinberger, 2019, 1905.07121): in random order it tries the directions of an
/// orthonormal basis, pixels or low frequencies of the cosine transform, each with a step of ε backwards and, where
/// that does not help, forwards; what raises the margin is kept. The L2 length of T steps is at most ε·√T; an image
/// stops at the first success. Untargeted and targeted. The step of 0.2 and each direction once are the paper's; so is
/// the eighth of the frequencies for large images, of which those of at most 32 pixels keep all. Deviation: the score
/// is the margin of the log-probabilities, since in float32 the paper's probability stays at 1 where a model is sure.
/// </summary>
public sealed record SimpleBlackBox : IAttack<IScorer>
{
    private const int Share = 8;

    /// <inheritdoc/>
    public string Name => "simba";

    /// <inheritdoc/>
    public Norm Norm => Norm.L2;

    /// <summary>The directions.</summary>
    [Option("basis", "the directions")]
    public SimbaBasis Basis { get; init; }

    /// <summary>ε: the length of a step.</summary>
    [Option("step", "length of a step")]
    public double Step { get; init; } = 0.2;

    /// <summary>The directions tried, from the first again after the last; null for all there are, once.</summary>
    [Option("steps", "directions tried, from the first again after the last; auto: all, once", Min = 1)]
    public int? Steps { get; init; }

    /// <summary>
    /// The frequencies of the cosine transform in each dimension; null for all up to 32 pixels, else an eighth.
    /// </summary>
    [Option("frequencies", "frequencies of dct in each dimension; auto: all up to 32 pixels, else an eighth", Min = 1)]
    public int? Frequencies { get; init; }

    /// <inheritdoc/>
    public Tensor Perturb(IScorer model, Batch batch)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(Climb(model, batch));
    }

    private Tensor Climb(IScorer model, Batch batch)
    {
        using var scope = NewDisposeScope();
        Tensor result = batch.Images.clone();
        long[] rows = Rows.All(batch.Count);
        long[] shape = result.shape;

        // The batch's images move as the search goes on.
        batch = batch.WithImages(batch.Images.clone());
        long height = Kept(shape[2]);
        long width = Kept(shape[3]);
        Tensor vertical = Waves(shape[2]);
        Tensor horizontal = Waves(shape[3]);
        Tensor channels = Identity(shape[1]);
        int directions = (int)(shape[1] * height * width);
        long[][] order = [.. batch.Random.Uniform(0, directions).argsort(1).ToArray<long>().Chunk(directions)];
        float[] margins = model.MarginsAt(batch, batch.Images);
        for (int step = 0; step < (Steps ?? directions); step++)
        {
            Try(step);
            long[] stay = Rows.Where([.. margins.Select(margin => margin > 0)], false);
            if (stay.Length == rows.Length)
                continue;
            result.Put(rows, batch.Images);
            if (stay.Length == 0)
                return scope.MoveToOuter(result);
            using Tensor before = batch.Images;
            (batch, rows, order, margins) = (batch.Select(stay), rows.At(stay), order.At(stay), margins.At(stay));
        }

        result.Put(rows, batch.Images);
        return scope.MoveToOuter(result);

        void Try(int step)
        {
            using var inner = NewDisposeScope();
            long[] direction = [.. order.Select(all => all[step % all.Length])];
            Tensor channel = channels
                .At([.. direction.Select(i => i / (height * width))])
                .reshape(rows.Length, -1, 1, 1);
            Tensor down = vertical.At([.. direction.Select(i => i / width % height)]).reshape(rows.Length, 1, -1, 1);
            Tensor across = horizontal.At([.. direction.Select(i => i % width)]).reshape(rows.Length, 1, 1, -1);
            Tensor move = down * across * (Step * channel);
            Tensor back = (batch.Images - move).clamp(0.0, 1.0);
            long[] rest = Keep(Rows.All(rows.Length), back, model.MarginsAt(batch, back));
            if (rest.Length == 0)
                return;
            Tensor forth = (batch.Images.At(rest) + move.At(rest)).clamp(0.0, 1.0);
            Keep(rest, forth, model.MarginsAt(rest.Length == rows.Length ? batch : batch.Select(rest), forth));
        }

        // Moves the rows that a trial has brought further; returns the others.
        long[] Keep(long[] tried, Tensor trial, float[] reached)
        {
            bool[] better = [.. reached.Select((margin, i) => margin > margins[tried[i]])];
            long[] taken = Rows.Where(better, true);
            if (taken.Length > 0)
                batch.Images.Put(tried.At(taken), trial.At(taken));
            foreach (long i in taken)
                margins[tried[i]] = reached[i];
            return tried.At(Rows.Where(better, false));
        }
    }

    private long Kept(long size) => Basis == SimbaBasis.Pixel ? size : Cosines.Kept(size, Frequencies, Share);

    // The rows are the basis of one dimension.
    private Tensor Waves(long size) => Basis == SimbaBasis.Pixel ? Identity(size) : Cosines.Waves(size);

    private static Tensor Identity(long size) =>
        nn.functional.one_hot(arange(size, ScalarType.Int64), size).to(ScalarType.Float32);
}
