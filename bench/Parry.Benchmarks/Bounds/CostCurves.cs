using System.Globalization;
using Parry.Attacks;

namespace Parry.Benchmarks.Bounds;

/// <summary>
/// The median change that attacks find with 100, 1,000 and 10,000 passes of each image, gradients where they see them:
/// the question of AttackBench (Cinà et al., 2024, 2404.19460), which attack to start with. What goes beyond the limit
/// is refused, so that all spend the same.
/// </summary>
internal static class CostCurves
{
    private const int Images = 20;

    // Attacks by what they see and their norm; {0} is the number of passes, {9} a ninth of it.
    private static readonly (string Sees, string[] Attacks)[] s_groups =
    [
        ("gradients", ["fmn:steps={0}", "fab:steps={9}", "pdpgd:steps={0}", "brendel-bethge:norm=linf,steps={0}"]),
        (
            "gradients",
            [
                "fmn:norm=l2,steps={0}",
                "ddn:steps={0}",
                "alma:steps={0}",
                "deepfool",
                "fab:norm=l2,steps={9}",
                "brendel-bethge:steps={0}",
                "cw-l2:steps=9,iterations={9},lr=0.05,c=0.1",
            ]
        ),
        (
            "gradients",
            [
                "fmn:norm=l1,steps={0}",
                "alma:norm=l1,steps={0}",
                "fab:norm=l1,steps={9}",
                "brendel-bethge:norm=l1,steps={0}",
                "ead:steps=9,iterations={9},lr=0.05,c=0.1",
            ]
        ),
        ("gradients", ["fmn:norm=l0,steps={0}", "sigma-zero:steps={0}", "brendel-bethge:norm=l0,steps={0}"]),
        ("labels", ["rays:queries={0}", "hsj:norm=linf", "geoda:norm=linf,queries={0}"]),
        ("labels", ["hsj", "boundary", "sign-opt:queries={0}", "surfree:queries={0}", "geoda:queries={0}"]),
    ];

    private static readonly int[] s_passes = [100, 1_000, 10_000];

    /// <summary>Measures.</summary>
    /// <param name="model">A network for MNIST or CIFAR-10.</param>
    /// <param name="names">The attacks; without a name all of them.</param>
    /// <param name="dataDir">The folder to look for data in first.</param>
    /// <exception cref="UserErrorException">There is no such network, or its data set is missing.</exception>
    public static IEnumerable<Measurement> Rows(string? model, IReadOnlyList<string> names, string? dataDir)
    {
        if (model is null)
            throw new UserErrorException("expected --model with the file of a network for MNIST or CIFAR-10");
        string network = Path.GetFileNameWithoutExtension(model);
        Victim victim = Victim.Open(Victim.SetOf(model), model, Images, dataDir);
        return s_passes.SelectMany(passes =>
            s_groups.SelectMany(asked =>
                asked
                    .Attacks.Where(attack => names.Count == 0 || names.Contains(attack.Split(':')[0]))
                    .Select(attack => Measure(victim, network, asked.Sees, passes, Filled(attack, passes)))
            )
        );
    }

    /// <summary>How many attacked images an attack leaves standing.</summary>
    public static int Left(AttackResult result) =>
        result.Attacked.Zip(result.Succeeded).Count(image => image is { First: true, Second: false });

    /// <summary>The median change of the attacked images in the attack's norm, a failure being infinite.</summary>
    public static double MedianOf(AttackResult result) =>
        Median.Of(
            result
                .Distances(result.Norm)
                .Select((distance, image) => result.Succeeded[image] ? distance : double.PositiveInfinity)
                .Where((_, image) => result.Attacked[image])
        );

    private static Measurement Measure(Victim victim, string network, string sees, int passes, string attack)
    {
        var limits = sees == "gradients" ? new AttackLimits(Gradients: passes) : new AttackLimits(Queries: passes);
        using AttackResult result = victim.Run(attack, limits: limits);
        string name = string.Create(
            CultureInfo.InvariantCulture,
            $"{network}, {result.Norm}, {passes:N0} {sees}: {attack}"
        );
        return new Measurement(name, MedianOf(result), $"({Left(result)} left)");
    }

    private static string Filled(string attack, int passes) =>
        attack
            .Replace("{0}", Text(passes), StringComparison.Ordinal)
            .Replace("{9}", Text(passes / 9), StringComparison.Ordinal);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
