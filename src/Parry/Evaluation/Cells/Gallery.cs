using Parry.Attacks;
using Parry.Data.Images;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Evaluation.Cells;

/// <summary>The pictures of a report: clean, adversarial, what changed, and purified, with predictions.</summary>
internal static class Gallery
{
    /// <summary>Pictures of the first images that were classified correctly before the attack.</summary>
    public static GalleryRow Row(
        EvaluationPlan plan,
        Cell cell,
        RangeImages images,
        IReadOnlyList<bool> cleanCorrect,
        AttackResult result,
        Verdict verdict
    )
    {
        using var scope = NewDisposeScope();
        int[] chosen = [.. Enumerable.Range(0, images.Count).Where(i => cleanCorrect[i]).Take(plan.GalleryImages)];
        Tensor change = result.Attempts - images.Pixels;
        float[] largest = change.abs().MaxPerImage().ToArray<float>();
        float most = chosen.Select(i => largest[i]).DefaultIfEmpty().Max();
        double amplification = most > 0 ? 0.5 / most : 1;
        Tensor visible = ((change * amplification) + 0.5).clamp(0, 1);
        return new GalleryRow
        {
            Attack = cell.Attack.Name,
            Norm = result.Norm.Name(),
            Epsilon = result.Epsilon,
            Defense = cell.Subject.Name,
            Threat = cell.Threat,
            Amplification = Math.Round(amplification, 2),
            Images = [.. chosen.Select(Image)],
        };

        GalleryImage Image(int i)
        {
            string label = Name(images.Truth[i]);
            bool refused = verdict.Refused[i];
            bool right = refused || verdict.Predictions[i] == images.Truth[i];
            string predicted = refused ? "refused" : Name(verdict.Predictions[i]);
            byte[] attacked = Picture(result.Attempts, i);
            return new GalleryImage
            {
                Label = label,
                Clean = new GalleryPicture(Picture(images.Pixels, i), label, true),
                Adversarial = verdict.Purified is null ? new(attacked, predicted, right) : new(attacked),
                Perturbation = new GalleryPicture(Picture(visible, i)),
                Purified = verdict.Purified is { } purified ? new(Picture(purified, i), predicted, right) : null,
            };
        }

        string Name(long @class) => plan.Images.ClassNames[(int)@class];
    }

    private static byte[] Picture(Tensor images, int index)
    {
        using var scope = NewDisposeScope();
        Tensor image = images.select(0, index);
        byte[] pixels = (image * 255.0).round().to(ScalarType.Byte).ToArray<byte>();
        return Png.Encode(pixels, new ImageShape((int)image.size(0), (int)image.size(1), (int)image.size(2)));
    }
}
