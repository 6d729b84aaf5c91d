using static TorchSharp.torch;

namespace Parry.Generative.Gans;

/// <summary>
/// What discriminator and generator minimize, given the discriminator's scores of real and of drawn images, any shape;
/// means over the batch.
/// </summary>
public sealed class GanLoss
{
    private readonly string _name;
    private readonly Func<Tensor, Tensor, Tensor> _discriminator;
    private readonly Func<Tensor, Tensor> _generator;

    private GanLoss(string name, Func<Tensor, Tensor, Tensor> discriminator, Func<Tensor, Tensor> generator)
    {
        _name = name;
        _discriminator = discriminator;
        _generator = generator;
    }

    /// <summary>
    /// -log D(x) - log(1 - D(G(z))), and -log D(G(z)); D is the sigmoid of the score. Goodfellow et al., 2014,
    /// 1406.2661.
    /// </summary>
    public static GanLoss NonSaturating { get; } =
        new(
            "non-saturating",
            (real, fake) => nn.functional.softplus(real.neg()).mean().add(nn.functional.softplus(fake).mean()),
            fake => nn.functional.softplus(fake.neg()).mean()
        );

    /// <summary>f(G(z)) - f(x), and -f(G(z)). Arjovsky et al., 2017, 1701.07875.</summary>
    public static GanLoss Wasserstein { get; } =
        new("Wasserstein", (real, fake) => fake.mean().sub(real.mean()), fake => fake.mean().neg());

    /// <summary>
    /// (D(x) - 1)² + D(G(z))², and (D(G(z)) - 1)². Mao et al., 2016, 1611.04076, without its factor of one half.
    /// </summary>
    public static GanLoss LeastSquares { get; } =
        new(
            "least squares",
            (real, fake) => real.sub(1.0).pow(2.0).mean().add(fake.pow(2.0).mean()),
            fake => fake.sub(1.0).pow(2.0).mean()
        );

    /// <summary>max(0, 1 - D(x)) + max(0, 1 + D(G(z))), and -D(G(z)). Miyato et al., 2018, 1802.05957.</summary>
    public static GanLoss Hinge { get; } =
        new(
            "hinge",
            (real, fake) => (1.0 - real).relu().mean().add(fake.add(1.0).relu().mean()),
            fake => fake.mean().neg()
        );

    /// <summary>
    /// Whether the discriminator's loss is never below 0 and nears it when the discriminator has won: not so for
    /// Wasserstein's.
    /// </summary>
    public bool HasFloor => this != Wasserstein;

    /// <summary>The discriminator's loss, a scalar.</summary>
    public Tensor Discriminator(Tensor real, Tensor fake) => _discriminator(real, fake);

    /// <summary>The generator's loss, a scalar.</summary>
    public Tensor Generator(Tensor fake) => _generator(fake);

    /// <inheritdoc/>
    public override string ToString() => _name;
}
