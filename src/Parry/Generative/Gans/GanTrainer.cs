using System.Globalization;
using Parry.Data;
using Parry.Models.Architectures;
using Parry.Models.Training;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Generative.Gans;

/// <summary>
/// Trains a generator against a discriminator. A step is one or more updates of the discriminator and one of the
/// generator, on whole batches, with LibTorch's own threads.
/// </summary>
public abstract class GanTrainer : Trainer<GanStep>
{
    private const int UsualCheckpoint = 500;
    private const string LogKey = "log";
    private const string ThreadsKey = "threads";

    private readonly Tensor _images;
    private readonly Tensor? _labels;
    private readonly ShuffledOrder _order;
    private readonly long _seed;

    /// <summary>Prepares a training of a known length.</summary>
    /// <param name="iterations">Generator steps.</param>
    /// <param name="images">The training images, bytes [N, C, H, W]; the caller owns them.</param>
    /// <param name="labels">Their classes, int64 [N], or null if they do not matter; the caller owns them.</param>
    /// <param name="batchSize">The images in a batch; a pass leaves out the last images that do not fill one.</param>
    /// <param name="seed">Decides the order of images and all draws of a step.</param>
    /// <param name="least">The smallest batch size for the networks; 2 with batch normalization of vectors.</param>
    /// <exception cref="UserErrorException">There are fewer images than a batch.</exception>
    protected GanTrainer(int iterations, Tensor images, Tensor? labels, int batchSize, long seed, int least = 1)
        : base("iteration", iterations)
    {
        int count = (int)images.size(0);
        if (batchSize < least || batchSize > count)
            throw new UserErrorException(
                $"expected a batch size of {least} to {count}, as many as there are training images, got {batchSize}"
            );
        (_images, _labels, _seed) = (images, labels, seed);
        _order = new ShuffledOrder(new ShuffledBatches(count, batchSize, (ulong)seed, DropLast: true));
        Shape = new ImageShape((int)images.size(1), (int)images.size(2), (int)images.size(3));
        CheckpointEvery = UsualCheckpoint;
    }

    /// <summary>The network that is the training's result, in evaluation mode between steps.</summary>
    public abstract nn.Module<Tensor, Tensor> Generator { get; }

    /// <summary>The shape of the training images.</summary>
    public ImageShape Shape { get; }

    /// <summary>What the steps so far measured.</summary>
    public GanLog Log { get; private set; } = new();

    /// <inheritdoc/>
    protected override IEnumerable<KeyValuePair<string, string>> Notes =>
        [new(LogKey, Log.State), new(ThreadsKey, Threads)];

    private static string Threads => get_num_threads().ToString(CultureInfo.InvariantCulture);

    /// <summary>
    /// Draws images [count, C, H, W] in [0, 1] in evaluation mode, the same ones for the same weights and count.
    /// </summary>
    public Tensor Samples(int count)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        using var random = Devices.Generator(_seed);
        return scope.MoveToOuter(Samples(count, random));
    }

    /// <summary>Draws images in evaluation mode.</summary>
    protected abstract Tensor Samples(int count, Generator random);

    /// <summary>Updates the discriminator and then, once, the generator, both in training mode.</summary>
    /// <param name="iteration">The step's number, counted from 0.</param>
    /// <param name="random">Makes all draws of the step.</param>
    protected abstract GanStep Train(int iteration, Generator random);

    /// <inheritdoc/>
    protected sealed override GanStep Train(int iteration)
    {
        using var scope = NewDisposeScope();
        using var record = enable_grad();
        using var random = Devices.Generator(unchecked((_seed * 1_000_003) + iteration));
        foreach (Learner learner in Learners)
            learner.Network.Train(random);
        GanStep step = Train(iteration, random);
        foreach (Learner learner in Learners)
            learner.Network.Evaluate();
        if (step.IsFinite)
            Log.Add(iteration + 1, step);
        return step;
    }

    /// <inheritdoc/>
    /// <exception cref="UserErrorException">The checkpoint was computed with another number of threads.</exception>
    protected override void Resumed(IReadOnlyDictionary<string, string> notes)
    {
        if (notes.TryGetValue(ThreadsKey, out string? threads) && threads != Threads)
            throw new UserErrorException(
                $"the checkpoint was made with {threads} threads, on which the last bits of the weights depend, got "
                    + $"{Threads}: give --threads {threads}"
            );
        if (notes.TryGetValue(LogKey, out string? log))
            Log = GanLog.Parse(log);
    }

    /// <summary>The batch with a number: images in [0, 1] and their labels.</summary>
    protected (Tensor Images, Tensor? Labels) Batch(long number)
    {
        Tensor indices = tensor(_order[number]);
        return (_images.index_select(0, indices).to(ScalarType.Float32) / 255.0, _labels?.index_select(0, indices));
    }
}
