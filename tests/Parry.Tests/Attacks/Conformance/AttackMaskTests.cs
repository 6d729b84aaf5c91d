using Parry.Attacks;
using Parry.Attacks.WhiteBox;
using Parry.Catalogs;
using Parry.Data.Formats;
using Parry.Data.Images;
using Parry.Models;
using Parry.Runtime;
using Parry.Tests.Data;
using static TorchSharp.torch;

namespace Parry.Tests.Attacks.Conformance;

/// <summary>Attacks that may change some pixels only.</summary>
[Collection(nameof(ConformanceRuns))]
public sealed class AttackMaskTests(ConformanceRuns runs)
{
    private const int Side = 6;

    public static TheoryData<string> Attacks { get; } =
    [
        .. ((IEnumerable<object[]>)AttackConformanceTests.Attacks)
            .Select(row => (string)row[0])
            .Where(text => AttackCatalog.Parse(text).Attack.TakesMask),
    ];

    [Theory]
    [MemberData(nameof(Attacks))]
    public void No_other_pixel_changes_and_the_attack_still_succeeds(string text)
    {
        using var scope = NewDisposeScope();

        // Nearer to gray, which lies on all boundaries, so that half of the pixels are enough.
        Tensor images = ((runs.Problem.Images - 0.5) * 0.3) + 0.5;
        bool[] mayChange = RandomMask(new Random(5));
        var run = new AttackRun(images, runs.Goal, 1) { Mask = new PixelMask(Side, Side, mayChange) };
        IReadOnlyList<AttackResult> results = AttackCatalog.Parse(text).Run(runs.Problem.Model, run);
        Assert.Contains(true, results[0].Succeeded);
        float[] clean = images.ToArray<float>();
        foreach (AttackResult result in results)
        {
            ResultChecks.AreInTheBoxAndTheBudget(result);
            ResultChecks.AreTrue(result, runs.Problem.Model, images, runs.Goal);
            float[] tried = result.Attempts.ToArray<float>();
            for (int i = 0; i < tried.Length; i++)
            {
                if (!mayChange[i % mayChange.Length])
                    Assert.Equal(clean[i], tried[i]);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Attacks))]
    public void A_single_pixel_is_enough_to_run(string text)
    {
        using var scope = NewDisposeScope();
        var mask = new PixelMask(Side, Side, [.. Enumerable.Range(0, Side * Side).Select(i => i == 8)]);
        var run = new AttackRun(runs.Problem.Images, runs.Goal, 1) { Mask = mask };
        foreach (AttackResult result in AttackCatalog.Parse(text).Run(runs.Problem.Model, run))
            Assert.All(result.L0, changed => Assert.InRange(changed, 0, 1));
    }

    [Fact]
    public void The_smallest_change_is_that_of_the_masked_problem()
    {
        using var scope = NewDisposeScope();
        var problem = new LinearProblem(Norm.L2, classes: 2, count: 6, seed: 9);
        Tensor images = ((problem.Images - 0.5) * 0.2) + 0.5;
        Goal goal = problem.Goal(false);
        bool[] mayChange = RandomMask(new Random(8));
        var mask = new PixelMask(Side, Side, mayChange);
        double[] normal =
        [
            .. problem.Model.W[0].Zip(problem.Model.W[1], (a, b) => (double)a - b).Where((_, i) => mayChange[i]),
        ];
        float[] logits = problem.Model.Logits(Images.Of(images)).ToArray<float>();
        double[] margins = [.. logits.Chunk(2).Select(pair => Math.Abs(pair[0] - pair[1]))];

        float[] found = Run(new DeepFool()).L2;
        double length = Math.Sqrt(normal.Sum(w => w * w));
        foreach (var (margin, distance) in margins.Zip(found))
            Assert.InRange(distance, 0.999 * margin / length, 1.03 * margin / length);

        double widest = margins.Max() / normal.Sum(Math.Abs);
        double narrowest = margins.Min() / normal.Sum(Math.Abs);
        Assert.All(Run(new FastGradientSign { Epsilon = 1.01 * widest }).Succeeded, Assert.True);
        Assert.All(Run(new FastGradientSign { Epsilon = 0.99 * narrowest }).Succeeded, Assert.False);

        AttackResult Run(IAttack<IClassifier> attack) =>
            AttackRunner.Run(attack, problem.Model, new AttackRun(images, goal, 1) { Mask = mask })[0];
    }

    [Fact]
    public void A_rectangle_keeps_its_form_and_other_pixels_are_packed()
    {
        using var scope = NewDisposeScope();
        Tensor images = arange(40, ScalarType.Int64).to(ScalarType.Float32).reshape(1, 2, 4, 5);
        var rectangle = new PixelMask(4, 5, [.. Enumerable.Range(0, 20).Select(i => i / 5 is 1 or 2 && i % 5 >= 2)]);
        Assert.Equal([7, 8, 9, 12, 13, 14, 27, 28, 29, 32, 33, 34], rectangle.Pack(images).ToArray<float>());
        Assert.Equal(new ImageShape(2, 2, 3), rectangle.PackedShape(new ImageShape(2, 4, 5)));

        var five = new PixelMask(4, 5, [.. Enumerable.Range(0, 20).Select(i => i % 4 == 3)]);
        Assert.Equal(new ImageShape(2, 2, 3), five.PackedShape(new ImageShape(2, 4, 5)));
        Tensor whole = five.Unpack(five.Pack(-images), images);
        Assert.Equal(images.ToArray<float>().Select((value, i) => i % 4 == 3 ? -value : value), whole.ToArray<float>());
    }

    [Theory]
    [InlineData("uap:eps=0.1")]
    [InlineData("transfer:from=a")]
    [InlineData("stadv")]
    [InlineData("mi-fgsm:di")]
    public void Attacks_that_need_the_whole_image_refuse_a_mask(string text)
    {
        using var folder = new TemporaryFolder();
        string file = Path.Combine(folder.Path, "mask.npy");
        NpyFile.Write(file, ones([Side, Side]));
        AttackSpec attack = AttackCatalog.Parse(
            text.Contains(':', StringComparison.Ordinal) ? $"{text},mask={file}" : $"{text}:mask={file}"
        );
        Assert.Contains(
            "takes no mask",
            Assert.Throws<UserErrorException>(() => attack.CheckFits(runs.Problem.Model)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_mask_is_read_from_a_picture_or_an_array_and_refused_if_it_does_not_fit()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        string png = Path.Combine(folder.Path, "mask.png");
        byte[] pixels = new byte[Side * Side];
        pixels[7] = 255;
        pixels[8] = 100;
        File.WriteAllBytes(png, Png.Encode(pixels, new ImageShape(1, Side, Side)));
        AttackSpec attack = AttackCatalog.Parse($"pgd:target=next,mask={png}");
        attack.CheckFits(runs.Problem.Model);
        Assert.Equal(1, attack.Mask!.Count);
        Assert.Equal($"pgd:eps=0.3,target=next,mask={png}", attack.Text);

        string npy = Path.Combine(folder.Path, "mask.npy");
        NpyFile.Write(npy, ones([Side, Side + 1]));
        Refused("expected a mask of 6x6", () => AttackCatalog.Parse($"pgd:mask={npy}").CheckFits(runs.Problem.Model));
        NpyFile.Write(npy, zeros([Side, Side]));
        Refused("got none of them", () => AttackCatalog.Parse($"pgd:mask={npy}"));
        NpyFile.Write(npy, ones([1, Side, Side]));
        Refused("two dimensions", () => AttackCatalog.Parse($"pgd:mask={npy}"));
        File.WriteAllBytes(npy, []);
        Refused(npy, () => AttackCatalog.Parse($"pgd:mask={npy}"));
        Refused("missing.png", () => AttackCatalog.Parse("pgd:mask=missing.png"));

        static void Refused(string words, Action work) =>
            Assert.Contains(words, Assert.Throws<UserErrorException>(work).Message, StringComparison.Ordinal);
    }

    // Half of the pixels, and some of them in one place.
    private static bool[] RandomMask(Random random) =>
        [.. Enumerable.Range(0, Side * Side).Select(i => i < Side || random.NextDouble() < 0.5)];
}
