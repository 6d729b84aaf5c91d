using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.ScoreBased;

/// <summary>
/// LSA, local search (Narodytska, Kasiviswanathan, 2016, 1612.06299): in each round it asks what a strong change of
/// each single pixel of a neighborhood would do, changes the few best ones for good, by a factor that wraps around the
/// box, and searches next around these. It keeps the number of changed pixels small (L0) without a bound but the
/// rounds; an image stops at the first success. The paper's is untargeted; targeted it raises the wanted class in the
/// same way. Defaults are the paper's: 150 rounds of 5 pixels, a neighborhood of 5 pixels to each side, factor 1.5, and
/// a tenth of the pixels, at most 128, to start with. Deviations: a pixel is tried out at the far end of the box,
/// because the paper's larger values lie outside it; the score is the margin of the log-probabilities, which float32
/// does not round to nothing.
/// </summary>
public sealed record LocalSearch : IAttack<IScorer>
{
    private const int MostAtFirst = 128;
    private const int FirstShare = 10;
    private const int MostQueries = 256;

    /// <inheritdoc/>
    public string Name => "lsa";

    /// <inheritdoc/>
    public Norm Norm => Norm.L0;

    /// <summary>The number of rounds.</summary>
    [Option("rounds", "number of rounds", Min = 1)]
    public int Rounds { get; init; } = 150;

    /// <summary>The pixels that a round changes.</summary>
    [Option("pixels", "pixels that a round changes", Min = 1)]
    public int Pixels { get; init; } = 5;

    /// <summary>How far a neighborhood reaches to each side.</summary>
    [Option("reach", "how far a neighborhood reaches to each side")]
    public int Reach { get; init; } = 5;

    /// <summary>
    /// The factor by which a value moves away from the middle of the box; what would leave the box comes in at the
    /// other end.
    /// </summary>
    [Option("factor", "by which a value moves away from the middle")]
    public double Factor { get; init; } = 1.5;

    /// <inheritdoc/>
    public Tensor Perturb(IScorer model, Batch batch)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(Search(model, batch));
    }

    private Tensor Search(IScorer model, Batch batch)
    {
        using var scope = NewDisposeScope();
        var best = new BestSoFar(batch.Images);
        long[] rows = Rows.All(batch.Count);
        int height = (int)batch.Images.size(2);
        int width = (int)batch.Images.size(3);
        int first = Math.Clamp(height * width / FirstShare, 1, MostAtFirst);

        // The batch's images change as the search goes on.
        batch = batch.WithImages(batch.Images.clone());
        Tensor drawn = batch.Random.Uniform(0, height * width).argsort(1).slice(1, 0, first, 1).contiguous();
        long[][] neighborhoods = [.. drawn.ToArray<long>().Chunk(first)];
        for (int round = 0; round < Rounds; round++)
        {
            float[] margins = Change();
            best.Take(batch.Images, tensor(margins), rows: rows);
            long[] stay = Rows.Where([.. margins.Select(margin => margin > 0)], false);
            if (stay.Length == 0)
                break;
            if (stay.Length == rows.Length)
                continue;
            using Tensor before = batch.Images;
            (batch, rows, neighborhoods) = (batch.Select(stay), rows.At(stay), neighborhoods.At(stay));
        }

        return scope.MoveToOuter(best.Images);

        float[] Change()
        {
            using var inner = NewDisposeScope();
            float[][] scores = TryOut(model, batch, neighborhoods);
            var chosen = new List<long>();
            for (int i = 0; i < rows.Length; i++)
            {
                long[] top =
                [
                    .. neighborhoods[i]
                        .Zip(scores[i])
                        .OrderByDescending(pixel => pixel.Second)
                        .Take(Pixels)
                        .Select(pixel => pixel.First),
                ];
                chosen.AddRange(Enumerable.Range(0, Pixels).Select(j => top[j % top.Length]));
                neighborhoods[i] = Around(top, height, width);
            }

            Tensor index = tensor(chosen.ToArray()).reshape(-1, 1, Pixels).expand(-1, batch.Images.size(1), -1);
            Tensor values = batch.Images.flatten(2);
            Tensor moved = Factor * (values.gather(2, index) - 0.5);
            Tensor wrapped = moved + (moved < -0.5).to(ScalarType.Float32) - (moved > 0.5).to(ScalarType.Float32);
            Tensor changed = values.scatter(2, index, (wrapped + 0.5).clamp(0.0, 1.0));
            batch.Images.copy_(changed.reshape(batch.Images.shape));
            return model.MarginsAt(batch, batch.Images);
        }
    }

    // The margins that the images have with each pixel of their neighborhoods at the far end of the box.
    private static float[][] TryOut(IScorer model, Batch batch, long[][] neighborhoods)
    {
        var queries = neighborhoods
            .SelectMany((pixels, row) => pixels.Select(pixel => (Row: (long)row, Pixel: pixel)))
            .ToArray();
        var margins = new List<float>(queries.Length);
        foreach (var piece in queries.Chunk(MostQueries))
        {
            using var scope = NewDisposeScope();
            Batch part = batch.Select([.. piece.Select(query => query.Row)]);
            Tensor pixels = tensor(piece.Select(query => query.Pixel).ToArray());
            Tensor index = pixels.reshape(-1, 1, 1).expand(-1, part.Images.size(1), -1);
            Tensor values = part.Images.flatten(2);
            Tensor far = (values.gather(2, index) < 0.5).to(ScalarType.Float32);
            margins.AddRange(model.MarginsAt(part, values.scatter(2, index, far).reshape(part.Images.shape)));
        }

        int from = 0;
        return [.. neighborhoods.Select(pixels => margins[from..(from += pixels.Length)].ToArray())];
    }

    private long[] Around(long[] pixels, int height, int width)
    {
        var near = new SortedSet<long>();
        foreach (long pixel in pixels)
        {
            long y = pixel / width;
            long x = pixel % width;
            for (long row = Math.Max(0, y - Reach); row <= Math.Min(height - 1, y + Reach); row++)
            {
                for (long column = Math.Max(0, x - Reach); column <= Math.Min(width - 1, x + Reach); column++)
                    near.Add((row * width) + column);
            }
        }

        return [.. near];
    }
}
