using System.Globalization;
using Parry.Data;
using Parry.Models;
using Parry.Models.Architectures;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Snapshots;

/// <summary>
/// Images and weights made by formulas in C#: the same on every machine and with every tensor library.
/// </summary>
internal static class MadeImages
{
    private const int Steps = 256;

    /// <summary>A bent bright stroke on black for each image, as a pen would draw it: values in [0, 1].</summary>
    public static float[][] Strokes(ImageShape shape, int count, int seed)
    {
        var random = new SplitMix64((ulong)seed);
        var images = new float[count][];
        for (int i = 0; i < count; i++)
        {
            var points = new (double Y, double X)[4];
            for (int j = 0; j < points.Length; j++)
            {
                points[j] = (Within(ref random, shape.Height), Within(ref random, shape.Width));
            }

            double width = shape.Height / 20.0;
            images[i] =
            [
                .. Enumerable
                    .Range(0, shape.Pixels)
                    .Select(pixel =>
                    {
                        int place = pixel % (shape.Height * shape.Width);
                        int y = place / shape.Width;
                        int x = place % shape.Width;
                        double distance = Enumerable.Range(0, 3).Min(j => Distance(y, x, points[j], points[j + 1]));
                        return (float)Math.Min(1, 1.3 * Math.Exp(-distance * distance / (2 * width * width)));
                    }),
            ];
        }

        return images;
    }

    /// <summary>Independent uniform values in [0, 1).</summary>
    public static float[][] Noise(ImageShape shape, int count, int seed)
    {
        var random = new SplitMix64((ulong)seed);
        var images = new float[count][];
        for (int i = 0; i < count; i++)
        {
            images[i] = new float[shape.Pixels];
            for (int j = 0; j < shape.Pixels; j++)
                images[i][j] = (float)Uniform(ref random);
        }

        return images;
    }

    /// <summary>
    /// Each image blended with another one until shortly before the model's answer changes, later images less near:
    /// what weak attacks fool in part.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="images">The images, of several classes.</param>
    /// <param name="nearest">How many of 256 steps from one image to the other the first one stays away from the
    /// change.</param>
    /// <param name="each">How many more every further one.</param>
    public static float[][] NearBoundary(IClassifier model, float[][] images, int nearest, int each)
    {
        var near = new float[images.Length][];
        for (int i = 0; i < images.Length; i++)
        {
            for (int other = 1; near[i] is null && other < images.Length; other++)
            {
                float[] from = images[i];
                float[] to = images[(i + other) % images.Length];
                using Tensor blends = Batch(
                    model.Shape,
                    [.. Enumerable.Range(0, Steps).Select(step => Blend(from, to, step))]
                );
                using Tensor predicted = model.Predict(blends);
                long[] classes = predicted.ToArray<long>();
                int change = Array.FindIndex(classes, label => label != classes[0]);
                if (change > 0)
                    near[i] = Blend(from, to, Math.Max(0, change - nearest - (each * i)));
            }

            near[i] ??= images[i];
        }

        return near;
    }

    /// <summary>The images as a tensor [N, C, H, W].</summary>
    public static Tensor Batch(ImageShape shape, float[][] images) =>
        tensor(images.SelectMany(image => image).ToArray(), [images.Length, shape.Channels, shape.Height, shape.Width]);

    /// <summary>
    /// Images with other last bits where PARRY_SHAKE_SNAPSHOTS=k asks for them: multiplied by 1 + k · 2^-23, as if
    /// another library had computed on the way.
    /// </summary>
    public static Tensor Shaken(Tensor images)
    {
        string? bits = Environment.GetEnvironmentVariable("PARRY_SHAKE_SNAPSHOTS");
        if (string.IsNullOrEmpty(bits))
            return images;
        return images.mul(1 + (int.Parse(bits, CultureInfo.InvariantCulture) / (double)(1 << 23)));
    }

    /// <summary>The rows of a tensor [N, …].</summary>
    public static float[][] Rows(Tensor tensor)
    {
        float[] values = tensor.ToArray<float>();
        int count = (int)tensor.size(0);
        return [.. values.Chunk(values.Length / count)];
    }

    /// <summary>
    /// Weights for a network: uniform ones of deviation gain / sqrt(inputs) where there are two dimensions or more,
    /// biases and scales near 0 and 1.
    /// </summary>
    public static void Fill(nn.Module<Tensor, Tensor> network, int seed, double gain = 1)
    {
        using var frozen = no_grad();
        var random = new SplitMix64((ulong)seed);
        foreach (var (name, parameter) in network.Parameters())
        {
            long[] shape = [.. parameter.shape];
            bool scales = shape.Length == 1 && name.EndsWith("weight", StringComparison.Ordinal);
            long inputs = shape[1..].Aggregate(1L, (product, size) => product * size);
            double reach = shape.Length == 1 ? 0.1 : gain * Math.Sqrt(3.0 / inputs);
            var values = new float[parameter.numel()];
            for (int i = 0; i < values.Length; i++)
            {
                values[i] = (float)((scales ? 1 : 0) + (reach * ((2 * Uniform(ref random)) - 1)));
            }
            using Tensor made = tensor(values, shape);
            parameter.copy_(made);
        }
    }

    private static float[] Blend(float[] from, float[] to, int step) =>
        [.. from.Zip(to, (a, b) => (float)(a + ((b - a) * (double)step / Steps)))];

    private static double Uniform(ref SplitMix64 random) => (random.Next() >> 40) / (double)(1 << 24);

    private static double Within(ref SplitMix64 random, int size) => size * (0.2 + (0.6 * Uniform(ref random)));

    private static double Distance(double y, double x, (double Y, double X) from, (double Y, double X) to)
    {
        double height = to.Y - from.Y;
        double width = to.X - from.X;
        double square = (height * height) + (width * width);
        double along = square == 0 ? 0 : Math.Clamp((((y - from.Y) * height) + ((x - from.X) * width)) / square, 0, 1);
        double down = y - from.Y - (along * height);
        double right = x - from.X - (along * width);
        return Math.Sqrt((down * down) + (right * right));
    }
}
