using Parry.Attacks.Building;
using Parry.Generative;
using static TorchSharp.torch;

namespace Parry.Defenses.Purifiers;

/// <summary>
/// Adam on the latent vectors of a generator, one row for each descent, with respect to losses of the images that they
/// draw. Rows that are done can leave.
/// </summary>
/// <param name="generator">What draws images.</param>
/// <param name="latents">Where the descents start, [rows, latent].</param>
/// <param name="learningRate">Adam's step size.</param>
/// <param name="compute">Float32, or bfloat16 for drawing.</param>
internal sealed class LatentDescent(
    ILatentModel generator,
    Tensor latents,
    double learningRate,
    ScalarType compute = ScalarType.Float32
)
{
    private RowAdam _adam = new(latents);

    /// <summary>Where the descents are, [rows, latent].</summary>
    public Tensor Latents { get; private set; } = latents.clone();

    /// <summary>
    /// Projects images onto what a generator draws: z* = argmin |G(z) - x|², the best of several descents from the
    /// generator's prior.
    /// </summary>
    /// <param name="generator">What draws images.</param>
    /// <param name="images">x, [N, C, H, W] in [0, 1].</param>
    /// <param name="random">Random draws for the same rows; the starts are draw 0.</param>
    /// <param name="starts">Descents of each image.</param>
    /// <param name="steps">Steps of a descent.</param>
    /// <param name="learningRate">Adam's step size.</param>
    /// <returns>z*, [N, latent].</returns>
    public static Tensor Project(
        ILatentModel generator,
        Tensor images,
        SampleRandom random,
        int starts,
        int steps,
        double learningRate
    )
    {
        using var scope = NewDisposeScope();
        Tensor targets = images.repeat_interleave(starts, 0);
        Tensor prior = random.Normal(0, starts, generator.Latent).flatten(0, 1);
        var descent = new LatentDescent(generator, prior, learningRate);
        for (int step = 0; step < steps; step++)
            descent.Step(drawn => drawn - targets);
        Tensor best = descent.Errors(targets).reshape(-1, starts).argmin(1);
        return scope.MoveToOuter(descent.Latents.Choose(best));
    }

    /// <summary>Takes one step.</summary>
    /// <param name="imageGradient">From the drawn images to the gradient of the loss with respect to them.</param>
    /// <param name="latentGradient">From the latent vectors to the gradient of a further loss of theirs; null for
    /// none.</param>
    public void Step(Func<Tensor, Tensor> imageGradient, Func<Tensor, Tensor>? latentGradient = null)
    {
        using var scope = NewDisposeScope();
        Drawing drawing = generator.Draw(Latents, compute);
        Tensor gradient = drawing.LatentGradient(imageGradient(drawing.Images));
        if (latentGradient is not null)
            gradient += latentGradient(Latents);
        Latents.sub_(learningRate * _adam.Direction(gradient));
    }

    /// <summary>The mean squared difference between what each row draws and its target, [rows].</summary>
    public Tensor Errors(Tensor targets) => (generator.Draw(Latents, compute).Images - targets).pow(2).MeanPerImage();

    /// <summary>Goes on with some rows only.</summary>
    public void Keep(long[] rows) => (Latents, _adam) = (Latents.At(rows), _adam.Select(rows));
}
