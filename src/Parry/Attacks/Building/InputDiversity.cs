using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.Building;

/// <summary>
/// DI, diverse inputs (Xie, Zhang, Zhou, Bai, Wang, Ren, Yuille, 2018, 1803.06978): with some chance the model sees an
/// image made smaller by a random factor from 0.9 to 1 and placed at random on black; the gradient is with respect to
/// the image itself. Deviations: the paper enlarges 299 pixels to a random size below 330 and pads to 330, which has
/// the same geometry where a model takes images of any size; sizes are not whole pixels, so values are interpolated;
/// and each image has its own draws.
/// </summary>
public static class InputDiversity
{
    private const double Smallest = 0.9;

    /// <summary>The gradient through the transformation.</summary>
    /// <param name="gradientAt">The gradient at transformed images.</param>
    /// <param name="chance">p: the chance that an image is transformed.</param>
    public static GradientAt Of(GradientAt gradientAt, double chance) =>
        (points, random) =>
            GradientPass.PullBack(
                points,
                images => Apply(images, random, chance),
                transformed => gradientAt(transformed, random)
            );

    /// <summary>The images as the model sees them.</summary>
    /// <param name="images">[N, C, H, W] in [0, 1].</param>
    /// <param name="random">Random draws for the same rows; it uses draw 0.</param>
    /// <param name="chance">The chance that an image is transformed.</param>
    /// <returns>[N, C, H, W] in [0, 1].</returns>
    public static Tensor Apply(Tensor images, SampleRandom random, double chance)
    {
        long height = images.size(2);
        long width = images.size(3);
        float[][] draws = [.. random.Uniform(0, 4).ToArray<float>().Chunk(4)];
        Placement[] placements = [.. draws.Select(u => Place(u[1], u[2], u[3]))];
        Tensor moved = nn.functional.grid_sample(
            images,
            Placement.Points(placements, height, width, height, width),
            GridSampleMode.Bilinear,
            GridSamplePaddingMode.Zeros,
            false
        );
        Tensor chosen = tensor(draws.Select(u => u[0] < chance).ToArray()).reshape(-1, 1, 1, 1);
        return where(chosen, moved, images);

        // Anywhere inside the canvas.
        Placement Place(double size, double across, double down)
        {
            double factor = Smallest + ((1 - Smallest) * size);
            return new Placement(0, factor, Off(across, width), Off(down, height));

            double Off(double draw, long side) => (1 - factor) * side * (draw - 0.5);
        }
    }
}
