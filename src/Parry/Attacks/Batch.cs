using Parry.Attacks.Building;
using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Attacks;

/// <summary>
/// The rows that an attack works on: clean images with the samples they belong to, a goal and random draws for each.
/// It narrows as a whole, so that no part can fall out of step when rows leave.
/// </summary>
public sealed class Batch
{
    private readonly Images _images;

    /// <summary>Joins what belongs to the same rows.</summary>
    /// <param name="images">The clean images, in [0, 1], none of which reaches the goal yet.</param>
    /// <param name="goal">What is wanted of each.</param>
    /// <param name="random">Whose streams the rows draw from.</param>
    public Batch(Images images, Goal goal, SampleRandom random) =>
        (_images, Goal, Random) = (images, goal, random.For(images.Samples));

    /// <summary>The clean images, [N, C, H, W] in [0, 1].</summary>
    public Tensor Images => _images.Pixels;

    /// <summary>What is wanted of each image.</summary>
    public Goal Goal { get; }

    /// <summary>Random draws for each row.</summary>
    public SampleRandom Random { get; }

    /// <summary>
    /// Other images that a search may begin from, [M, C, H, W], the same for every row; null where there are none.
    /// </summary>
    public Tensor? Starts { get; init; }

    /// <summary>The sample of each row.</summary>
    public ReadOnlyMemory<long> Samples => _images.Samples;

    /// <summary>The number of rows.</summary>
    public int Count => _images.Count;

    /// <summary>Points in place of the clean images, to show a model.</summary>
    /// <param name="points">[N, C, H, W], or [N·k, C, H, W] with the first row's k points first.</param>
    public Images With(Tensor points) => _images.With(points);

    /// <summary>Some of the rows.</summary>
    public Batch Select(long[] rows) =>
        new(_images.Select(rows), Goal.Select(tensor(rows)), Random) { Starts = Starts };

    /// <summary>
    /// Some of the rows; the clean images of all are freed, so that memory stays flat while rows leave one after the
    /// other.
    /// </summary>
    internal Batch Narrow(long[] rows)
    {
        using (Images)
            return Select(rows);
    }

    /// <summary>
    /// Some of the rows as a run of their own, whose calls of a random model are counted apart: for work side by side,
    /// whose order must not matter.
    /// </summary>
    public Batch Apart(long[] rows)
    {
        Batch some = Select(rows);
        return new Batch(new Images(some.Images, some.Samples), some.Goal, some.Random) { Starts = Starts };
    }

    /// <summary>Every row repeated, copies next to each other. The copies of a sample share its random draws.</summary>
    public Batch Repeat(int times) => Select([.. Rows.All(Count).SelectMany(row => Enumerable.Repeat(row, times))]);

    /// <summary>The rows as images of the pixels that may change.</summary>
    internal Batch Pack(PixelMask mask) =>
        new(_images.With(mask.Pack(Images)), Goal, Random) { Starts = Starts is null ? null : mask.Pack(Starts) };

    /// <summary>The rows with another goal.</summary>
    public Batch WithGoal(Goal goal) => new(_images, goal, Random) { Starts = Starts };

    /// <summary>The rows with other random draws.</summary>
    public Batch WithRandom(SampleRandom random) => new(_images, Goal, random) { Starts = Starts };

    /// <summary>The rows with other clean images.</summary>
    public Batch WithImages(Tensor images) => new(_images.With(images), Goal, Random) { Starts = Starts };
}
