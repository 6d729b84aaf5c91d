using Parry.Attacks.Steps;
using Parry.Generative;
using Parry.Torch;

namespace Parry.Defenses.Purifiers;

/// <summary>Adam on the latent vectors of a generator, one row for each descent; rows that are done leave.</summary>
internal sealed class LatentDescent(ImageGenerator generator, Tensor latents, double learningRate, DType compute = DType.Float32)
{
    private const double Beta1 = 0.9, Beta2 = 0.999, Smallest = 1e-12;

    private Tensor _first = latents.ZerosLike();
    private Tensor _second = latents.ZerosLike();
    private int _steps;

    /// <summary>Where the descents are, [rows, latent].</summary>
    public Tensor Latents { get; private set; } = latents.Clone();

    /// <summary>One step.</summary>
    /// <param name="gradient">From the drawn images to the gradient with respect to them.</param>
    public void Step(Func<Tensor, Tensor> gradient)
    {
        using var scope = new TensorScope();
        GeneratorPass pass = generator.Run(Latents, compute);
        Tensor direction = pass.LatentGradient(gradient(pass.Images));
        _steps++;
        _first.MulInPlace(Beta1).AddInPlace(direction, 1 - Beta1);
        _second.MulInPlace(Beta2).AddProductInPlace(direction, direction, 1 - Beta2);
        double correction = Math.Sqrt(1 - Math.Pow(Beta2, _steps));
        Latents.AddQuotientInPlace(_first, _second.Sqrt().AddInPlace(Smallest), -learningRate * correction / (1 - Math.Pow(Beta1, _steps)));
    }

    /// <summary>The mean squared difference of what each row draws to its target, [rows].</summary>
    public Tensor Errors(Tensor targets) => generator.Run(Latents, compute).Images.Sub(targets).Pow(2).Mean([1, 2, 3]);

    /// <summary>Goes on with some rows only.</summary>
    public void Keep(long[] rows) => (Latents, _first, _second) = (Latents.At(rows), _first.At(rows), _second.At(rows));
}
