using System.Globalization;
using Parry.Attacks;

namespace Parry.Benchmarks.Bounds;

/// <summary>
/// Every attack that another library has, with the same settings on the same public networks and images, beside the
/// best that any library reached: foolbox 3.3.4, torchattacks 3.5.1, AutoAttack, ART 1.20.1 and adversarial-library, on
/// PyTorch 2.6, success verified on the returned images. A library's image that is black is a failure. Attacks with a
/// random start are compared over five seeds, within one image; of the libraries' some numbers are of one seed, which
/// decides up to four images of 100.
/// </summary>
internal static class StrengthBounds
{
    private const int Seeds = 5;
    private const double SeedNoise = 1;

    // Of the first test images, how many; what the best library leaves standing, a mean where five seeds were run; its
    // median change, of attacks that look for the smallest one.
    private static readonly Dictionary<string, Row[]> s_networks = new()
    {
        ["mnist-natural"] =
        [
            new("fgsm:eps=0.1", 100, 84),
            new("mi-fgsm:eps=0.1,steps=10", 100, 81),
            new("pgd:eps=0.1,steps=40,step=0.00333", 100, 77, Random: true),
            new("pgd:norm=l2,eps=1.5,steps=40,step=0.1", 100, 53, Random: true),
            new("apgd:eps=0.1,steps=100", 100, 71, Random: true),
            new("ddn:steps=100", 100, 0, 1.543),
            new("fmn:steps=100", 100, 0, 0.1158),
            new("fmn:norm=l2,steps=100", 100, 0, 1.785),
            new("ead:steps=5,iterations=200,lr=0.01,c=0.001,beta=0.01,rule=l1", 20, 6, 8.802),
            new("hsj:steps=5", 20, 0, 3.423),
        ],
        ["mnist-pgd"] =
        [
            new("fgsm:eps=0.3", 100, 92),
            new("mi-fgsm:eps=0.3,steps=10", 100, 88),
            new("pgd:eps=0.3,steps=40,step=0.01", 100, 88, Random: true),
            new("pgd:norm=l2,eps=1.5,steps=40,step=0.1", 100, 82, Random: true),
            new("apgd:eps=0.3,steps=100", 100, 82, Random: true),
            new("deepfool:steps=50", 100, 7, 3.396),
            new("ddn:steps=100", 100, 0, 2.068),
            new("fmn:steps=100", 100, 10, 0.4849),
            new("fmn:norm=l2,steps=100", 100, 4, 2.22),
            new("cw-l2:steps=5,iterations=200,lr=0.01,c=0.001", 100, 53),
            new("ead:steps=5,iterations=200,lr=0.01,c=0.001,beta=0.01,rule=l1", 20, 10),
            new("hsj:steps=5", 20, 0, 4.098),
            new("jsma:target=next", 20, 16),
        ],
        ["mnist-advertorch"] =
        [
            new("fgsm:eps=0.3", 100, 98),
            new("mi-fgsm:eps=0.3,steps=10", 100, 93),
            new("pgd:eps=0.3,steps=40,step=0.01", 100, 93.8, Random: true),
            new("pgd:norm=l2,eps=1.5,steps=40,step=0.1", 100, 93.4, Random: true),
            new("apgd:eps=0.3,steps=100", 100, 90.4, Random: true),
            new("apgd:eps=0.3,steps=100,loss=dlr-targeted,targets=9", 100, 90, Random: true),
            new("square:eps=0.3,queries=5000", 100, 89, Random: true),
            new("autoattack:eps=0.3", 50, 45),
            new("deepfool:steps=50", 100, 14, 5.804),
            new("ddn:steps=100", 100, 0, 1.97),
            new("fmn:steps=100", 100, 45, 0.714),
            new("fmn:norm=l2,steps=100", 100, 0, 1.878),
            new("cw-l2:steps=5,iterations=200,lr=0.01,c=0.001", 100, 92),
            new("ead:steps=5,iterations=200,lr=0.01,c=0.001,beta=0.01,rule=l1", 20, 19),
            new("fab:steps=100,targets=9", 100, 0, 0.3432),
            new("fab:steps=100,untargeted", 100, 0, 0.3425),
            new("hsj:steps=5", 20, 0, 3.526),
            new("jsma:target=next", 20, 18),
        ],
        ["cifar10-resnet32"] =
        [
            new("fgsm:eps=1/255", 100, 48),
            new("mi-fgsm:eps=1/255,steps=10", 100, 40),
            new("pgd:eps=1/255,steps=20,step=0.25/255", 100, 20, Random: true),
            new("pgd:norm=l2,eps=0.15,steps=20,step=0.02", 100, 17, Random: true),
            new("apgd:eps=1/255,steps=100", 100, 17, Random: true),
            new("deepfool:steps=50", 100, 0, 0.1163),
            new("ddn:steps=100,levels=0", 100, 0, 0.09253),
            new("ddn:steps=100", 100, 0, 0.1056),
            new("fmn:steps=100", 100, 0, 0.00258),
            new("fmn:norm=l2,steps=100", 100, 0, 0.1003),
            new("ead:steps=5,iterations=200,lr=0.01,c=0.001,beta=0.01,rule=l1", 20, 0, 2.338),
        ],
    };

    /// <summary>Measures.</summary>
    /// <param name="model">The file of a public network, with its published name.</param>
    /// <param name="names">The attacks; without a name all of them.</param>
    /// <param name="dataDir">The folder to look for data in first.</param>
    /// <exception cref="UserErrorException">There is no such network, or its data set is missing.</exception>
    public static IEnumerable<Measurement> Rows(string? model, IReadOnlyList<string> names, string? dataDir)
    {
        string network = Path.GetFileNameWithoutExtension(model) ?? "";
        if (!s_networks.TryGetValue(network, out Row[]? rows))
            throw new UserErrorException(
                $"expected --model with the file of one of {string.Join(", ", s_networks.Keys)}, got \"{model}\""
            );
        Victim victim = Victim.Open(Victim.SetOf(model!), model!, rows.Max(row => row.Images), dataDir);
        return rows.Where(row => names.Count == 0 || names.Contains(row.Attack.Split(':')[0]))
            .SelectMany(row => Measure(victim, network, row));
    }

    private static IEnumerable<Measurement> Measure(Victim victim, string network, Row row)
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"{network}, {row.Images} images: {row.Attack}");
        var runs = new List<(int Left, double Median)>();
        for (int seed = 1; seed <= (row.Random ? Seeds : 1); seed++)
        {
            using AttackResult result = victim.First(row.Images).Run(row.Attack, seed: seed);
            runs.Add((CostCurves.Left(result), CostCurves.MedianOf(result)));
        }

        double most = row.Left + (row.Random ? SeedNoise : 0);
        yield return Measurement.AtMost($"{name}, left", runs.Average(run => run.Left), "images", most);
        if (row.Median is { } bound)
            yield return Measurement.AtMost($"{name}, median", runs[0].Median, "", bound);
    }

    /// <summary>What the best library reached.</summary>
    private sealed record Row(string Attack, int Images, double Left, double? Median = null, bool Random = false);
}
