using Parry.Attacks;
using Parry.Attacks.Building;
using Parry.Runtime;
using Parry.Tests.Attacks.Conformance;
using static TorchSharp.torch;

namespace Parry.Tests.Attacks;

public class BoundaryStepTests
{
    private const int Count = 40;
    private const int Side = 101;
    private const double Spacing = 0.02;

    [Theory]
    [InlineData(Norm.L2)]
    [InlineData(Norm.L1)]
    public void No_point_of_the_plane_in_the_box_weighs_norm_and_step_better(Norm norm) =>
        ForEach(
            norm,
            (p, q, s, plane) =>
            {
                double Weighed(double[] z)
                {
                    double length = Size(Norm.L2, Minus(z, p));
                    double size = Size(norm, z);
                    return (norm == Norm.L2 ? s * size * size / 2 : s * size) + (length * length / 2);
                }

                Assert.InRange(Weighed(q), 0, plane.Min(Weighed) + 1e-3);
            }
        );

    [Fact]
    public void In_Linf_the_largest_change_falls_by_the_wanted_share_or_as_far_as_the_plane_allows() =>
        ForEach(
            Norm.Linf,
            (p, q, s, plane) =>
            {
                double wanted = Size(Norm.Linf, p) / (1 + s);
                double possible = plane.Min(z => Size(Norm.Linf, z));
                Assert.InRange(Size(Norm.Linf, q), 0, Math.Max(wanted, possible) + 1e-3);
                double[][] asSmall = [.. plane.Where(z => Size(Norm.Linf, z) <= wanted)];
                if (asSmall.Length > 0)
                    Assert.InRange(Size(Norm.L2, Minus(q, p)), 0, asSmall.Min(z => Size(Norm.L2, Minus(z, p))) + 1e-3);
            }
        );

    [Theory]
    [InlineData(Norm.Linf)]
    [InlineData(Norm.L2)]
    [InlineData(Norm.L1)]
    [InlineData(Norm.L0)]
    public void A_normal_that_almost_vanishes_gives_a_step_within_the_box(Norm norm)
    {
        using var scope = NewDisposeScope();
        Tensor clean = rand([Count, 1, 1, 8], generator: new Generator(1));
        Tensor p = rand([Count, 1, 1, 8], generator: new Generator(2)) - clean;
        Tensor exponents = -38 * rand([Count, 1, 1, 8], generator: new Generator(3));
        Tensor w = pow(10, exponents) * (exponents < -2);
        Tensor gain = rand([Count, 1, 1, 1], generator: new Generator(4));
        Tensor q = BoundaryStep.Onto(norm, clean, p, w, gain, full_like(gain, 0.1));
        Assert.InRange(((clean + q - 0.5).abs().max() - 0.5).Item(), -0.5, 1e-6);
    }

    // Random perturbations of three values in front of random planes, with a grid of the plane's points in the box.
    private static void ForEach(Norm norm, Action<double[], double[], double, double[][]> check)
    {
        using var scope = NewDisposeScope();
        Tensor clean = rand([Count, 1, 1, 3], generator: new Generator(1));
        Tensor p = rand([Count, 1, 1, 3], generator: new Generator(2)) - clean;
        Tensor w = randn([Count, 1, 1, 3], generator: new Generator(3));
        Tensor s = 0.3 * rand([Count, 1, 1, 1], generator: new Generator(4));
        Tensor gain = 0.1 * (rand([Count, 1, 1, 1], generator: new Generator(5)) - 0.3);
        Tensor q = BoundaryStep.Onto(norm, clean, p, w, gain, s);
        Assert.InRange(((clean + q - 0.5).abs().max() - 0.5).Item(), -0.5, 1e-6);
        for (int i = 0; i < Count; i++)
        {
            (double[] from, double[] to, double[] normal) = (Values(p, i), Values(q, i), Values(w, i));
            double wanted = gain.Row(i)[0];
            double missing = wanted - Dot(normal, Minus(to, from));
            Assert.InRange(Math.Abs(missing), 0, (0.011 * Math.Abs(wanted)) + 1e-6);
            double[][] plane = [.. Plane(Values(clean, i), to, normal)];
            Assert.NotEmpty(plane);
            check(from, to, s.Row(i)[0], plane);
        }
    }

    private static IEnumerable<double[]> Plane(double[] clean, double[] point, double[] normal)
    {
        int solved = Array.IndexOf(normal, normal.MaxBy(Math.Abs));
        (int first, int second) = ((solved + 1) % 3, (solved + 2) % 3);
        for (int cell = 0; cell < Side * Side; cell++)
        {
            var z = new double[3];
            z[first] = (cell / Side * Spacing) - 1;
            z[second] = (cell % Side * Spacing) - 1;
            z[solved] = (Dot(normal, point) - Dot(normal, z)) / normal[solved];
            if (z.Zip(clean, (change, value) => change + value).All(value => value is >= 0 and <= 1))
                yield return z;
        }
    }

    private static double Size(Norm norm, double[] values) =>
        norm switch
        {
            Norm.L1 => values.Sum(Math.Abs),
            Norm.L2 => Math.Sqrt(Dot(values, values)),
            _ => values.Max(Math.Abs),
        };

    private static double[] Values(Tensor rows, int row) => [.. rows.Row(row).Select(value => (double)value)];

    private static double[] Minus(double[] a, double[] b) => [.. a.Zip(b, (x, y) => x - y)];

    private static double Dot(double[] a, double[] b) => a.Zip(b, (x, y) => x * y).Sum();
}
