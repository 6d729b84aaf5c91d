using System.Globalization;
using Parry.Data;
using Parry.Models.Training;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Generative.Diffusion;

/// <summary>
/// Trains a diffusion network (Ho, Jain, Abbeel, 2020, 2006.11239) to predict the noise in images at random times, by
/// mean squared error.
/// </summary>
/// <remarks>
/// Deviation: there is no running average of the weights. In the paper it makes generated images better; here the
/// network only purifies images.
/// </remarks>
public sealed record DiffusionTraining
{
    /// <summary>Maps at the image's size.</summary>
    public int Width { get; init; } = 32;

    /// <summary>Passes, batches and step size.</summary>
    public TrainingSchedule Schedule { get; init; } = new() { Epochs = 10, LearningRate = 5e-4 };

    /// <summary>Prepares the training; the caller owns it.</summary>
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

    /// <summary>The mean squared error of the predicted noise in each image at a random time, [N].</summary>
    /// <param name="network">The network in training.</param>
    /// <param name="images">[N, C, H, W] in [0, 1].</param>
    /// <param name="random">Random draws for the same rows.</param>
    public static Tensor Loss(DiffusionUNet network, Tensor images, SampleRandom random)
    {
        int[] times = Array.ConvertAll(
            random.Uniform(0, 1).ToArray<float>(),
            share => 1 + (int)(share * network.Schedule.Times)
        );
        Tensor x0 = (2 * images) - 1;
        Tensor noise = random.Normal(1, images.shape.AsSpan(1));
        Tensor xt = network.Schedule.Noised(x0, times, noise);
        return (network.Predict(xt, times) - noise).pow(2).MeanPerImage();
    }
}
