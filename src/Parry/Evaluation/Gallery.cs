using Parry.Attacks;
using Parry.Data.Images;
using Parry.Reports;
using Parry.Torch;

namespace Parry.Evaluation;

/// <summary>The pictures of a report: clean, adversarial, what changed, and purified, with predictions.</summary>
internal static class Gallery
{
    public static GalleryRow Row(string attack, AttackResult result, string defense, Threat threat, Tensor clean, DefendedImages? shown, long[] predictions,
        bool[] cleanRight, EvaluationPlan plan)
    {
        using var scope = new TensorScope();
        int[] chosen = [.. Enumerable.Range(0, predictions.Length).Where(i => cleanRight[i]).Take(plan.GalleryImages)];
        Tensor change = result.Attempts.Sub(clean);
        float largest = chosen.Length == 0 ? 0 : chosen.Max(i => change.Select(0, i).Abs().Amax([0, 1, 2]).ToArray<float>()[0]);
        double amplification = largest > 0 ? 0.5 / largest : 1;
        Tensor visible = change.Mul(amplification).Add(0.5).Clamp(0, 1);
        string Name(long label) => plan.Images.ClassNames[(int)label];
        return new GalleryRow
        {
            Attack = attack,
            Norm = result.Norm.Name(),
            Epsilon = result.Epsilon,
            Defense = defense,
            Threat = threat,
            Amplification = Math.Round(amplification, 2),
            Images = [.. chosen.Select(i =>
            {
                int label = plan.Images.Labels[i];
                bool refused = shown?.Refused[i] ?? false, right = refused || predictions[i] == label;
                string predicted = refused ? "refused" : Name(predictions[i]);
                return new GalleryImage
                {
                    Label = Name(label),
                    Clean = new GalleryPicture(Picture(clean, i), Name(label), true),
                    Adversarial = shown is null ? new GalleryPicture(Picture(result.Attempts, i), predicted, right) : new GalleryPicture(Picture(result.Attempts, i)),
                    Perturbation = new GalleryPicture(Picture(visible, i)),
                    Purified = shown is null ? null : new GalleryPicture(Picture(shown.Images, i), predicted, right),
                };
            })],
        };
    }

    private static byte[] Picture(Tensor images, int index)
    {
        using var scope = new TensorScope();
        Tensor image = images.Select(0, index);
        return Png.Encode(image.Mul(255).Round().To(DType.UInt8).ToArray<byte>(), new ImageShape((int)image.Size(0), (int)image.Size(1), (int)image.Size(2)));
    }
}
