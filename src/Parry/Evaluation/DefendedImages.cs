using Parry.Defenses;
using Parry.Models;
using Parry.Torch;

namespace Parry.Evaluation;

/// <summary>What the defender makes of a set of images: the purified ones, the detector's scores, the predictions. It owns the images.</summary>
internal sealed class DefendedImages : IDisposable
{
    private DefendedImages(Tensor images, float[] errors, long[] predictions)
    {
        Images = images;
        Errors = errors;
        Predictions = predictions;
    }

    public Tensor Images { get; }

    public float[] Errors { get; }

    public long[] Predictions { get; }

    /// <summary>Purifies, with the defender's own draws, and classifies.</summary>
    public static DefendedImages Of(IPurifier purifier, IClassifier classifier, Tensor images, SampleRandom random)
    {
        using var frozen = Autograd.NoGrad();
        using var scope = new TensorScope();
        Purified purified = purifier.Purify(images, random);
        return new DefendedImages(purified.Images.Own(), purified.Errors.ToArray<float>(), Predict(classifier, purified.Images));
    }

    /// <summary>Predictions, in pieces on all workers.</summary>
    public static long[] Predict(IPredictor model, Tensor images)
    {
        const int Piece = 256;
        int count = (int)images.Size(0);
        return [.. Workers.Shared.Map((count + Piece - 1) / Piece, i =>
        {
            using var frozen = Autograd.NoGrad();
            using var scope = new TensorScope();
            return model.Predict(images.Slice(0, i * Piece, Math.Min(count, (i + 1) * Piece))).ToArray<long>();
        }).SelectMany(part => part)];
    }

    public void Dispose() => Images.Dispose();
}
