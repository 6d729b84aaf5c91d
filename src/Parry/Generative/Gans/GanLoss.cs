using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace Parry.Generative.Gans;

/// <summary>
/// What the discriminator and the generator minimize, given the discriminator's scores of real and of drawn images, of
/// any shape; means over the batch.
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
            (real, fake) => softplus(-real).mean() + softplus(fake).mean(),
            fake => softplus(-fake).mean()
        );

    /// <summary>f(G(z)) - f(x), and -f(G(z)). Arjovsky et al., 2017, 1701.07875.</summary>
    public static GanLoss Wasserstein { get; } =
        new("Wasserstein", (real, fake) => fake.mean() - real.mean(), fake => -fake.mean());

    /// <summary>
    /// (D(x) - 1)² + D(G(z))², and (D(G(z)) - 1)². Mao et al., 2016, 1611.04076, without its factor of one half.
    /// </summary>
    public static GanLoss LeastSquares { get; } =
        new(
            "least squares",
            (real, fake) => (real - 1).pow(2).mean() + fake.pow(2).mean(),
            fake => (fake - 1).pow(2).mean()
        );

    /// <summary>max(0, 1 - D(x)) + max(0, 1 + D(G(z))), and -D(G(z)). Miyato et al., 2018, 1802.05957.</summary>
    public static GanLoss Hinge { get; } =
        new("hinge", (real, fake) => (1 - real).relu().mean() + (1 + fake).relu().mean(), fake => -fake.mean());

    /// <summary>
    /// Whether the discriminator's loss cannot fall below 0 and comes close to it once the discriminator has won, as
    /// for all but Wasserstein's.
    /// </summary>
    public bool HasFloor => this != Wasserstein;

    /// <summary>The discriminator's loss, a scalar.</summary>
    public Tensor Discriminator(Tensor real, Tensor fake) => _discriminator(real, fake);

    /// <summary>The generator's loss, a scalar.</summary>
    public Tensor Generator(Tensor fake) => _generator(fake);

    /// <inheritdoc/>
    public override string ToString() => _name;
}
