using System.Globalization;
using Parry.Data;
using Parry.Models.Training;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Generative.Diffusion;

/// <summary>
/// How a diffusion network is trained (Ho, Jain, Abbeel, 2020, 2006.11239): to tell the noise in images at random
/// times, by mean squared error.
/// </summary>
/// <remarks>
/// Deviation: no running average of the weights is kept, which in the paper makes drawn images better; here images are
/// cleaned, not drawn.
/// </remarks>
public sealed record DiffusionTraining
{
    /// <summary>Maps at the image's size.</summary>
    public int Width { get; init; } = 32;

    /// <summary>Passes, batches and step size.</summary>
    public TrainingSchedule Schedule { get; init; } = new() { Epochs = 10, LearningRate = 5e-4 };

    /// <summary>Prepares the training, which the caller owns.</summary>
    /// <param name="images">The training images.</param>
    /// <exception cref="UserErrorException">An option is out of range, or does not fit the images.</exception>
    public NetworkTrainer<DiffusionUNet> On(ImageSet images)
    {
        using var random = Devices.Generator(Schedule.Seed);
        var network = new DiffusionUNet(images.Shape, random, Width);
        string recipe = string.Create(
            CultureInfo.InvariantCulture,
            $"{DiffusionUNet.Architecture}, width={Width} on {images.Name}"
        );
        return new NetworkTrainer<DiffusionUNet>(
            Schedule,
            recipe,
            network,
            images.Count,
            (trained, rows) => Loss(trained, images.Batch(rows.Indices).Images, rows.Anew).sum()
        );
    }

    /// <summary>The mean squared error of the noise predicted in each image at a time drawn for it, [N].</summary>
    /// <param name="network">What is trained.</param>
    /// <param name="images">[N, C, H, W] in [0, 1].</param>
    /// <param name="random">Draws for the same rows.</param>
    public static Tensor Loss(DiffusionUNet network, Tensor images, SampleRandom random)
    {
        int[] times = Array.ConvertAll(
            random.Uniform(0, 1).ToArray<float>(),
            share => 1 + (int)(share * network.Schedule.Times)
        );
        Tensor noise = random.Normal(1, images.shape.AsSpan(1));
        return network
            .Predict(network.Schedule.Noised(images.mul(2.0).sub(1.0), times, noise), times)
            .sub(noise)
            .pow(2.0)
            .mean([1, 2, 3]);
    }
}
