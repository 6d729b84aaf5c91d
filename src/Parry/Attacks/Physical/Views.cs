using Parry.Attacks.Building;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.Physical;

/// <summary>
/// How a camera may see an image: turned, nearer or farther, off the middle, in brighter or dimmer light, each drawn
/// uniformly. It is differentiable, so that attacks and <see cref="Models.ExpectationOverTransformation"/> can average
/// over it.
/// </summary>
public sealed record Views
{
    /// <summary>The number of uniform draws that make a view.</summary>
    internal const int Draws = 5;

    /// <summary>The largest turn to either side, in degrees.</summary>
    [Option("rotation", "largest turn of a view, in degrees")]
    public double Rotation { get; init; } = 15;

    /// <summary>The largest change of size: 0.1 is from 0.9 to 1.1 times.</summary>
    [Option("zoom", "largest change of size of a view")]
    public double Zoom { get; init; } = 0.1;

    /// <summary>The largest move in each direction, as a share of the image's height and width.</summary>
    [Option("shift", "largest move of a view, as a share of the side")]
    public double Shift { get; init; } = 0.05;

    /// <summary>The largest change of light: 0.2 is from 0.8 to 1.2 times, cut off at 1.</summary>
    [Option("brightness", "largest change of light of a view")]
    public double Brightness { get; init; } = 0.2;

    /// <summary>One view of each image; what the image does not show continues its edges.</summary>
    /// <param name="images">[N, C, H, W] in [0, 1].</param>
    /// <param name="random">Random draws for the same rows; it uses draw 0.</param>
    /// <returns>[N, C, H, W] in [0, 1].</returns>
    public Tensor Apply(Tensor images, SampleRandom random) => Apply(images, random.Uniform(0, Draws));

    /// <summary>
    /// The view of each image that uniform numbers in [0, 1), [N, 5], stand for; 0.5 is the image as it is.
    /// </summary>
    internal Tensor Apply(Tensor images, Tensor uniform)
    {
        long height = images.size(2);
        long width = images.size(3);
        double[][] draws = [.. uniform.ToArray<float>().Select(u => (2.0 * u) - 1).Chunk(Draws)];
        Tensor points = Placement.Points(
            [
                .. draws.Select(d => new Placement(
                    d[0] * Rotation * Math.PI / 180,
                    1 + (d[1] * Zoom),
                    d[2] * Shift * width,
                    d[3] * Shift * height
                )),
            ],
            height,
            width,
            height,
            width
        );
        Tensor light = tensor(draws.Select(d => (float)(1 + (d[4] * Brightness))).ToArray()).reshape(-1, 1, 1, 1);
        Tensor moved = nn.functional.grid_sample(
            images,
            points,
            GridSampleMode.Bilinear,
            GridSamplePaddingMode.Border,
            false
        );
        return (light * moved).clamp(0.0, 1.0);
    }
}
