using Parry.Attacks.Building;
using Parry.Generative;
using static TorchSharp.torch;

namespace Parry.Defenses.Purifiers;

/// <summary>Adam on the latent vectors of a generator, one row for each descent; rows that are done leave.</summary>
internal sealed class LatentDescent(
    ILatentModel generator,
    Tensor latents,
    double learningRate,
    ScalarType compute = ScalarType.Float32
)
{
    private const double Beta1 = 0.9,
        Beta2 = 0.999,
        Smallest = 1e-12;

    private Tensor _first = zeros_like(latents);
    private Tensor _second = zeros_like(latents);
    private int _steps;

    /// <summary>Where the descents are, [rows, latent].</summary>
    public Tensor Latents { get; private set; } = latents.clone();

    /// <summary>
    /// The projection of images onto what a generator draws: the latent vector [N, latent] of the nearest image that
    /// descents from its prior find, of |G(z) - x|².
    /// </summary>
    /// <param name="generator">What draws.</param>
    /// <param name="images">[N, C, H, W] in [0, 1].</param>
    /// <param name="random">Random draws for the same rows; the starts are draw 0.</param>
    /// <param name="starts">Descents of each image.</param>
    /// <param name="steps">Steps of a descent.</param>
    /// <param name="learningRate">Adam's step size.</param>
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
        long count = images.size(0);
        Tensor targets = images.repeat_interleave(starts, 0);
        var descent = new LatentDescent(
            generator,
            random.Normal(0, starts, generator.Latent).reshape(count * starts, generator.Latent),
            learningRate
        );
        for (int step = 0; step < steps; step++)
            descent.Step(drawn => drawn.sub(targets));
        Tensor best = descent.Errors(targets).reshape(count, starts).argmin(1);
        return scope.MoveToOuter(
            descent.Latents.index_select(
                0,
                arange(count * starts, ScalarType.Int64).slice(0, 0, count * starts, starts).add(best)
            )
        );
    }

    /// <summary>One step.</summary>
    /// <param name="gradient">From the drawn images to the gradient with respect to them.</param>
    /// <param name="ownGradient">From the latent vectors to the gradient of a further term in themselves; null for
    /// none.</param>
    public void Step(Func<Tensor, Tensor> gradient, Func<Tensor, Tensor>? ownGradient = null)
    {
        using var scope = NewDisposeScope();
        Drawing drawing = generator.Draw(Latents, compute);
        Tensor direction = drawing.LatentGradient(gradient(drawing.Images));
        if (ownGradient is not null)
            direction = direction.add(ownGradient(Latents));
        _steps++;
        _first.mul_(Beta1).add_(direction, 1 - Beta1);
        _second.mul_(Beta2).addcmul_(direction, direction, 1 - Beta2);
        double correction = Math.Sqrt(1 - Math.Pow(Beta2, _steps));
        Latents.addcdiv_(
            _first,
            _second.sqrt().add_(Smallest),
            -learningRate * correction / (1 - Math.Pow(Beta1, _steps))
        );
    }

    /// <summary>The mean squared difference of what each row draws to its target, [rows].</summary>
    public Tensor Errors(Tensor targets) =>
        generator.Draw(Latents, compute).Images.sub(targets).pow(2.0).mean([1, 2, 3]);

    /// <summary>Goes on with some rows only.</summary>
    public void Keep(long[] rows) => (Latents, _first, _second) = (Latents.At(rows), _first.At(rows), _second.At(rows));
}
