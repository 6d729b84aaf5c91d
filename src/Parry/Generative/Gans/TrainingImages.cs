using Parry.Data;
using static TorchSharp.torch;

namespace Parry.Generative.Gans;

/// <summary>
/// The batches of a training by their number: whole passes over the images, shuffled anew each time, whatever batch is
/// asked for first.
/// </summary>
internal sealed class TrainingImages
{
    private readonly Tensor _images;
    private readonly Tensor? _labels;
    private readonly ShuffledBatches _batches;
    private (int Number, int[][] Batches) _epoch = (-1, []);

    /// <param name="images">Bytes [N, C, H, W]; not owned.</param>
    /// <param name="labels">int64 [N]; not owned.</param>
    /// <param name="batchSize">Images in a batch; the last images of a pass that do not fill one are left out.</param>
    /// <param name="seed">Of the shuffling.</param>
    /// <param name="least">The smallest batch that the networks can train on: batch normalization of vectors needs
    /// two.</param>
    public TrainingImages(Tensor images, Tensor? labels, int batchSize, long seed, int least = 2)
    {
        if (batchSize < least || batchSize > images.size(0))
            throw new UserErrorException(
                $"expected a batch of {least} to {images.size(0)} images, as many as there are, got {batchSize}"
            );
        _images = images;
        _labels = labels;
        _batches = new ShuffledBatches((int)images.size(0), batchSize, (ulong)seed, DropLast: true);
    }

    public ImageShape Shape => new((int)_images.size(1), (int)_images.size(2), (int)_images.size(3));

    /// <summary>Images in [0, 1] and their labels.</summary>
    public (Tensor Images, Tensor? Labels) Batch(long number)
    {
        int epoch = (int)(number / _batches.BatchesPerEpoch);
        if (_epoch.Number != epoch)
            _epoch = (epoch, [.. _batches.Epoch(epoch)]);
        Tensor indices = tensor(_epoch.Batches[number % _batches.BatchesPerEpoch]);
        return (_images.index_select(0, indices).to(ScalarType.Float32).div(255.0), _labels?.index_select(0, indices));
    }
}
