using Parry.Attacks;
using Parry.Data.Images;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Evaluation;

/// <summary>The pictures of a report: clean, adversarial, what changed, and purified, with predictions.</summary>
internal static class Gallery
{
    public static GalleryRow Row(
        string attack,
        AttackResult result,
        string defense,
        Threat threat,
        Tensor clean,
        DefendedImages? shown,
        long[] predictions,
        bool[] cleanRight,
        EvaluationPlan plan
    )
    {
        using var scope = NewDisposeScope();
        int[] chosen = [.. Enumerable.Range(0, predictions.Length).Where(i => cleanRight[i]).Take(plan.GalleryImages)];
        Tensor change = result.Attempts.sub(clean);
        float largest =
            chosen.Length == 0 ? 0 : chosen.Max(i => change.select(0, i).abs().amax([0, 1, 2]).ToArray<float>()[0]);
        double amplification = largest > 0 ? 0.5 / largest : 1;
        Tensor visible = change.mul(amplification).add(0.5).clamp(0.0, 1.0);
        string Name(long label) => plan.Images.ClassNames[(int)label];
        return new GalleryRow
        {
            Attack = attack,
            Norm = result.Norm.Name(),
            Epsilon = result.Epsilon,
            Defense = defense,
            Threat = threat,
            Amplification = Math.Round(amplification, 2),
            Images =
            [
                .. chosen.Select(i =>
                {
                    int label = plan.Images.Labels[i];
                    bool refused = shown?.Refused[i] ?? false,
                        right = refused || predictions[i] == label;
                    string predicted = refused ? "refused" : Name(predictions[i]);
                    return new GalleryImage
                    {
                        Label = Name(label),
                        Clean = new GalleryPicture(Picture(clean, i), Name(label), true),
                        Adversarial = shown is null
                            ? new GalleryPicture(Picture(result.Attempts, i), predicted, right)
                            : new GalleryPicture(Picture(result.Attempts, i)),
                        Perturbation = new GalleryPicture(Picture(visible, i)),
                        Purified = shown is null
                            ? null
                            : new GalleryPicture(Picture(shown.Images, i), predicted, right),
                    };
                }),
            ],
        };
    }

    private static byte[] Picture(Tensor images, int index)
    {
        using var scope = NewDisposeScope();
        Tensor image = images.select(0, index);
        return Png.Encode(
            image.mul(255.0).round().to(ScalarType.Byte).ToArray<byte>(),
            new ImageShape((int)image.size(0), (int)image.size(1), (int)image.size(2))
        );
    }
}
