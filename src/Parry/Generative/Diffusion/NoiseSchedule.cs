using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Generative.Diffusion;

/// <summary>
/// The noise of denoising diffusion (Ho, Jain, Abbeel, 2020, 2006.11239): at time t an image is x_t = sqrt(ā_t) x_0 +
/// sqrt(1 - ā_t) e, with ā_t the product of 1 - β_s for s from 1 to t and β rising linearly. Images are in [-1, 1]
/// here, e is standard normal.
/// </summary>
public sealed record NoiseSchedule
{
    private readonly double[] _kept;

    /// <summary>The schedule of the paper: 1,000 times, β from 1e-4 to 0.02.</summary>
    /// <param name="times">The last time, T.</param>
    /// <param name="first">β at time 1.</param>
    /// <param name="last">β at the last time.</param>
    public NoiseSchedule(int times = 1000, double first = 1e-4, double last = 0.02)
    {
        Times = times;
        _kept = new double[times + 1];
        _kept[0] = 1;
        for (int t = 1; t <= times; t++)
            _kept[t] = _kept[t - 1] * (1 - (first + ((last - first) * (t - 1) / Math.Max(1, times - 1))));
    }

    /// <summary>The last time, T.</summary>
    public int Times { get; }

    /// <summary>
    /// ā_t: the share of x_t's variance that is the image's, for t from 0, where it is 1, to <see cref="Times"/>.
    /// </summary>
    public double Kept(int time) => _kept[time];

    /// <summary>x_t, each row at its own time.</summary>
    /// <param name="images">x_0, [N, C, H, W] in [-1, 1].</param>
    /// <param name="times">t of each image.</param>
    /// <param name="noise">e, of the same shape.</param>
    public Tensor Noised(Tensor images, IReadOnlyList<int> times, Tensor noise)
    {
        Tensor imageShare = Column(times, kept => Math.Sqrt(kept));
        Tensor noiseShare = Column(times, kept => Math.Sqrt(1 - kept));
        return (imageShare * images) + (noiseShare * noise);
    }

    /// <summary>
    /// From x_t back to x_0 by the deterministic steps of denoising diffusion implicit models, DDIM (Song, Meng, Ermon,
    /// 2020, 2010.02502), at evenly spaced times: the predicted noise e gives x_0 = (x_t - sqrt(1 - ā_t) e) /
    /// sqrt(ā_t), and the next point is x_s = sqrt(ā_s) x_0 + sqrt(1 - ā_s) e. Autograd can follow it.
    /// </summary>
    /// <param name="noised">x_t, [N, C, H, W].</param>
    /// <param name="time">t, at least 1.</param>
    /// <param name="steps">The number of steps, from 1 to t.</param>
    /// <param name="predict">From a point and its time to the noise in it.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number of steps is below 1 or above t.</exception>
    public Tensor Denoise(Tensor noised, int time, int steps, Func<Tensor, int, Tensor> predict)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(steps, time);
        Tensor point = noised;
        for (int step = steps; step > 0; step--)
        {
            int t = (int)((long)time * step / steps);
            int s = (int)((long)time * (step - 1) / steps);
            Tensor noise = predict(point, t);
            Tensor clean = (point - (Math.Sqrt(1 - Kept(t)) * noise)) / Math.Sqrt(Kept(t));
            point = (Math.Sqrt(Kept(s)) * clean) + (Math.Sqrt(1 - Kept(s)) * noise);
        }

        return point;
    }

    private Tensor Column(IReadOnlyList<int> times, Func<double, double> factor) =>
        tensor(times.Select(time => (float)factor(Kept(time))).ToArray()).reshape(-1, 1, 1, 1);
}
