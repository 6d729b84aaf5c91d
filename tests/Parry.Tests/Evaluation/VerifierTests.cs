using System.Runtime.InteropServices;
using Parry.Attacks;
using Parry.Data;
using Parry.Data.Images;
using Parry.Defenses;
using Parry.Evaluation.Verification;
using Parry.Models;
using Parry.Tests.Data;
using static TorchSharp.torch;

namespace Parry.Tests.Evaluation;

public sealed class VerifierTests : IDisposable
{
    private static readonly ImageShape s_shape = new(1, 4, 4);

    private readonly TemporaryFolder _folder = new();
    private readonly LinearClassifier _classifier = new(s_shape);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_success_is_within_box_and_budget_and_fools_the_model()
    {
        ImageSet originals = Originals();
        float[] clean = Values(originals, 0);
        float[] fooling = Values(originals, WithOtherClass(originals));
        double largest = clean.Zip(fooling, (a, b) => Math.Abs(a - b)).Max();
        HandedInImage[] images = [Image(fooling), Image(clean), Image([1.5f, .. fooling[1..]])];

        IReadOnlyList<VerifiedImage> free = Check(originals, images);
        Assert.Equal([true, false, false], free.Select(image => image.Succeeds));
        Assert.Equal([true, true, false], free.Select(image => image.InBox));
        Assert.Equal(0, free[1].Change.L2);

        IReadOnlyList<VerifiedImage> bounded = Check(originals, images, largest - 0.01);
        Assert.Equal([BudgetCheck.Over, BudgetCheck.Within, BudgetCheck.Over], bounded.Select(image => image.Budget));
        Assert.All(bounded, image => Assert.False(image.Succeeds));
    }

    [Fact]
    public void Distances_are_measured_from_the_original_in_every_norm()
    {
        ImageSet originals = Originals();
        float[] values = Values(originals, 0);
        float[] moved = [.. values];
        moved[0] += values[0] < 0.5 ? 0.3f : -0.3f;
        moved[1] += values[1] < 0.5 ? 0.4f : -0.4f;
        Distances change = Check(originals, [Image(moved)]).Single().Change;
        Assert.Equal(0.4, change.Linf, 1e-6);
        Assert.Equal(0.5, change.L2, 1e-6);
        Assert.Equal(0.7, change.L1, 1e-6);
        Assert.Equal(2, change.L0);
    }

    [Fact]
    public void A_picture_may_be_over_by_half_a_level_of_its_own_and_an_array_may_not()
    {
        ImageSet originals = Originals();
        float[] moved = Values(originals, 0);
        moved[0] += moved[0] < 0.5 ? 77 / 255f : -77 / 255f;
        HandedInImage[] images = [Image(moved), Image(moved, 1.0 / 65_535), Image(moved, 1.0 / 255)];
        Assert.Equal(
            [BudgetCheck.Over, BudgetCheck.Over, BudgetCheck.OverByRounding],
            Check(originals, images, 0.3).Select(image => image.Budget)
        );
        double slightlyLess = (77 / 255.0) - 6e-6;
        Assert.Equal(
            [BudgetCheck.Over, BudgetCheck.OverByRounding, BudgetCheck.OverByRounding],
            Check(originals, images, slightlyLess).Select(image => image.Budget)
        );
    }

    [Theory]
    [InlineData(0, 1, false)]
    [InlineData(2, 3, true)]
    public void A_picture_of_16_bits_is_read_with_all_of_them(int type, int channels, bool interlaced)
    {
        var shape = new ImageShape(channels, PngMaker.Side, PngMaker.Side);
        var originals = new ImageSet("one", shape, new byte[shape.Pixels], new int[1], ["a"]);
        _folder.Write("in/0.png", PngMaker.Make(16, type, interlaced));
        var (values, level) = HandedInImages.Find(Path.Combine(_folder.Path, "in"), originals).Images.Single().Read();
        Assert.Equal(1.0 / 65_535, level);
        float[] stored =
        [
            .. from channel in Enumerable.Range(0, channels)
            from y in Enumerable.Range(0, PngMaker.Side)
            from x in Enumerable.Range(0, PngMaker.Side)
            select PngMaker.Sample(x, y, channel) / 65_535f,
        ];
        Assert.Equal(stored, values);
    }

    [Fact]
    public void Of_an_image_as_array_and_as_picture_the_array_counts_with_a_note()
    {
        ImageSet originals = Originals();
        byte[] png = Png.Encode(originals.Image(0), s_shape);
        byte[] array = NpyFileTests.File("|u1", "(4, 4)", new byte[16]);
        foreach (string name in (string[])["a/00000-7-3", "a/1-1", "a/2", "b/00000-7-3"])
            _folder.Write($"in/{name}.png", png);
        foreach (string name in (string[])["a/00000-7-5", "a/1-2", "a/2"])
            _folder.Write($"in/{name}.npy", array);
        var found = HandedInImages.Find(Path.Combine(_folder.Path, "in"), originals);
        Assert.Equal(
            ["a/00000-7-5.npy", "a/1-1.png", "a/1-2.npy", "a/2.npy", "b/00000-7-3.png"],
            found.Images.Select(image => image.Name)
        );
        Assert.StartsWith("2 of 7 files", found.Note, StringComparison.Ordinal);
    }

    [Fact]
    public void An_image_that_a_detector_refuses_is_no_success()
    {
        ImageSet originals = Originals();
        HandedInImage[] images = [Image(Values(originals, WithOtherClass(originals)))];
        var refusing = new DefenseSpec { Name = "all", Detectors = [new Everything()] };
        VerifiedImage image = Check(originals, images, defense: refusing).Single();
        Assert.True(image.Refused);
        Assert.False(image.Succeeds);
    }

    [Fact]
    public void A_change_that_rounding_undoes_is_told_apart()
    {
        ImageSet originals = Originals();
        float[] values = Values(originals, 0);
        float[] tiny = [.. values.Select(value => value < 0.5 ? value + 1e-4f : value - 1e-4f)];
        VerifiedImage image = Check(originals, [Image(tiny)]).Single();
        Assert.Equal(image.CleanCorrect, !image.FoolsRounded);
    }

    [Fact]
    public void Files_belong_to_the_original_of_their_name_or_position()
    {
        ImageSet originals = Originals("a/cat.png", "a/dog.png", "b/cat.png");
        byte[] png = Png.Encode(originals.Image(0), s_shape);
        string[] names = ["a/cat.png", "b/cat.png", "dog.png", "00001-2-0.png", "2.png"];
        foreach (string name in names)
            _folder.Write($"in/{name}", png);
        Dictionary<string, int> found = HandedInImages
            .Find(Path.Combine(_folder.Path, "in"), originals)
            .Images.ToDictionary(image => image.Name, image => image.Original);
        Assert.Equal([0, 2, 1, 1, 2], names.Select(name => found[name]));
    }

    [Fact]
    public void A_file_that_belongs_to_no_original_is_refused()
    {
        ImageSet originals = Originals();
        _folder.Write("in/cat.png", Png.Encode(originals.Image(0), s_shape));
        var refusal = Assert.Throws<UserErrorException>(() =>
            HandedInImages.Find(Path.Combine(_folder.Path, "in"), originals)
        );
        Assert.Contains("cat.png", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_array_holds_an_image_for_each_original_with_channels_first_or_last()
    {
        ImageSet originals = Originals();
        float[] values = [.. Values(originals, 0), .. Values(originals, 1)];
        byte[] data = MemoryMarshal.AsBytes<float>(values).ToArray();
        foreach (string shape in (string[])["(2, 1, 4, 4)", "(2, 4, 4, 1)", "(2, 4, 4)"])
        {
            string file = _folder.Write("all.npy", NpyFileTests.File("<f4", shape, data));
            IReadOnlyList<HandedInImage> images = HandedInImages.Find(file, originals).Images;
            Assert.Equal([0, 1], images.Select(image => image.Original));
            Assert.Equal(Values(originals, 1), images[1].Read().Values);
        }
    }

    [Fact]
    public void Channels_that_come_last_in_an_array_are_moved_first()
    {
        var originals = new ImageSet("two", new ImageShape(3, 1, 2), new byte[6], new int[1], ["a"]);
        byte[] data = MemoryMarshal.AsBytes<float>([1f, 2f, 3f, 4f, 5f, 6f]).ToArray();
        string file = _folder.Write("in/0.npy", NpyFileTests.File("<f4", "(1, 2, 3)", data));
        HandedInImage image = HandedInImages.Find(Path.GetDirectoryName(file)!, originals).Images.Single();
        Assert.Equal([1f, 4f, 2f, 5f, 3f, 6f], image.Read().Values);
    }

    [Fact]
    public void A_picture_of_another_size_is_refused_rather_than_resized()
    {
        ImageSet originals = Originals();
        _folder.Write("in/0.png", Png.Encode(new byte[9], new ImageShape(1, 3, 3)));
        HandedInImage image = HandedInImages.Find(Path.Combine(_folder.Path, "in"), originals).Images.Single();
        Assert.Contains("4x4", Assert.Throws<UserErrorException>(image.Read).Message, StringComparison.Ordinal);
    }

    private static float[] Values(ImageSet set, int index) =>
        Array.ConvertAll(set.Image(index).ToArray(), value => value / 255f);

    private static HandedInImage Image(float[] values, double level = 0) =>
        new("one", 0, () => new HandedInValues(values, level));

    private static int WithOtherClass(ImageSet originals) =>
        Enumerable.Range(1, originals.Count - 1).First(i => originals.Labels[i] != originals.Labels[0]);

    private IReadOnlyList<VerifiedImage> Check(
        ImageSet originals,
        IReadOnlyList<HandedInImage> images,
        double? epsilon = null,
        DefenseSpec? defense = null
    ) =>
        new Verifier
        {
            Model = _classifier,
            Originals = originals,
            Epsilon = epsilon,
            Norm = Norm.Linf,
            Defense = defense,
        }.Check(images);

    // Random images of bytes, labeled as the classifier sees them.
    private ImageSet Originals(params string[] files)
    {
        int count = Math.Max(8, files.Length);
        var pixels = new byte[count * s_shape.Pixels];
        new Random(3).NextBytes(pixels);
        Tensor images = tensor(Array.ConvertAll(pixels, value => value / 255f), [count, 1, 4, 4]);
        int[] labels = Array.ConvertAll(
            ((IClassifier)_classifier).Predict(images).data<long>().ToArray(),
            label => (int)label
        );
        return new ImageSet("checks", s_shape, pixels, labels, ["a", "b", "c"]) { Files = files };
    }

    private sealed class Everything : IDetector
    {
        public string Name => "everything";

        public double Threshold => 0;

        public Tensor Scores(Tensor images, SampleRandom random) => ones(images.size(0));
    }
}
