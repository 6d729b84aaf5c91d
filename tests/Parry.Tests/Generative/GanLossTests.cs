using Parry.Generative.Gans;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Generative;

public class GanLossTests
{
    private static readonly double[] s_real = [0.5, -2, 3];
    private static readonly double[] s_fake = [-1, 0.25, 2];

    public static TheoryData<string, Func<double, double>, Func<double, double>, Func<double, double>> ClosedForms =>
        new()
        {
            {
                "non-saturating",
                real => -Math.Log(Sigmoid(real)),
                fake => -Math.Log(1 - Sigmoid(fake)),
                fake => -Math.Log(Sigmoid(fake))
            },
            { "Wasserstein", real => -real, fake => fake, fake => -fake },
            { "least squares", real => (real - 1) * (real - 1), fake => fake * fake, fake => (fake - 1) * (fake - 1) },
            { "hinge", real => Math.Max(0, 1 - real), fake => Math.Max(0, 1 + fake), fake => -fake },
        };

    [Theory]
    [MemberData(nameof(ClosedForms))]
    public void Losses_are_their_closed_forms(
        string name,
        Func<double, double> real,
        Func<double, double> fake,
        Func<double, double> generator
    )
    {
        using var scope = NewDisposeScope();
        GanLoss loss = new[] { GanLoss.NonSaturating, GanLoss.Wasserstein, GanLoss.LeastSquares, GanLoss.Hinge }.Single(
            loss => loss.ToString() == name
        );
        Assert.Equal(
            s_real.Average(real) + s_fake.Average(fake),
            loss.Discriminator(tensor(s_real), tensor(s_fake)).Item(),
            1e-9
        );
        Assert.Equal(s_fake.Average(generator), loss.Generator(tensor(s_fake)).Item(), 1e-9);
    }

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));
}
