using Parry.Data;
using Parry.Data.Images;

namespace Parry.Tests.Data;

public sealed class ImageFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Classes_are_numbered_by_name_and_take_turns()
    {
        Write("dog/b.png", 1);
        Write("dog/a.PNG", 2);
        Write("cat/z.png", 3);
        Write("Ant/m.png", 4);

        ImageSet set = Open().Load(DataPart.Test, Split.Whole);

        Assert.Equal(["Ant", "cat", "dog"], set.ClassNames);
        Assert.Equal([0, 1, 2, 2], set.Labels);
        Assert.Equal([4, 3, 2, 1], Firsts(set));
        Assert.Null(set.Note);
    }

    [Fact]
    public void Only_as_many_pictures_as_are_asked_for_are_decoded()
    {
        Write("a/1.png", 1);
        Write("b/1.png", 2);
        _folder.Write("a/2.png", [1, 2, 3]);
        IImageSource source = Open(new ImageShape(1, 2, 2));

        Assert.Equal([1, 2], Firsts(source.Load(DataPart.Test, Split.Whole, count: 2)));
        TestData.AssertRefused("2.png", () => source.Load(DataPart.Test, Split.Whole, count: 3));
    }

    [Fact]
    public void A_count_above_the_number_of_pictures_takes_all_with_a_note()
    {
        Write("a/1.png", 1);
        Write("b/1.png", 2);
        ImageSet set = Open(new ImageShape(1, 2, 2)).Load(DataPart.Test, Split.Whole, count: 3);
        Assert.Equal([1, 2], Firsts(set));
        Assert.Contains("has 2 images, fewer than 3: all are used", set.Note, StringComparison.Ordinal);
    }

    [Fact]
    public void The_first_unreadable_picture_is_told_whatever_the_threads_do()
    {
        for (int i = 0; i < 40; i++)
            _folder.Write($"a/{i:00}.png", i < 7 ? Png.Encode([1, 2, 3, 4], new ImageShape(1, 2, 2)) : [1, 2, 3]);
        IImageSource source = Open(new ImageShape(1, 2, 2));
        for (int i = 0; i < 5; i++)
            TestData.AssertRefused("07.png", () => source.Load(DataPart.Test, Split.Whole));
    }

    [Theory]
    [InlineData("tench,Goldfish")]
    [InlineData("0,1")]
    [InlineData("Tinca_tinca,1")]
    public void Folders_that_are_named_after_the_models_classes_have_their_labels(string names)
    {
        string[] folders = names.Split(',');
        Write($"{folders[0]}/a.png", 7);
        Write($"{folders[1]}/a.png", 8);

        ImageSet set = Open(classes: ["tench, Tinca tinca", "goldfish, Carassius auratus", "great white shark"])
            .Load(DataPart.Test, Split.Whole);

        Assert.Equal([0, 1], set.Labels);
        Assert.Equal([7, 8], Firsts(set));
        Assert.Equal(3, set.ClassNames.Count);
    }

    [Fact]
    public void Folders_with_other_names_are_counted_only_if_there_are_as_many_as_classes()
    {
        Write("a/1.png", 1);
        Write("b/1.png", 2);

        Assert.Equal(["a", "b"], Open(classes: ["x", "y"]).ClassNames);
        TestData.AssertRefused("the model's 3 classes", () => Open(classes: ["x", "y", "z"]));
    }

    [Fact]
    public void A_folder_that_is_no_class_beside_one_that_is_is_refused()
    {
        Write("Goldfish/1.png", 1);
        Write("tensh/1.png", 1);
        TestData.AssertRefused(
            "got \"tensh\", did you mean tench?",
            () => Open(classes: ["tench, Tinca tinca", "goldfish"])
        );
    }

    [Fact]
    public void A_name_of_several_classes_is_refused()
    {
        Write("crane/1.png", 1);
        TestData.AssertRefused("names several: give its number", () => Open(classes: ["crane", "crane", "jay"]));
    }

    [Fact]
    public void Parts_are_folders_of_their_own()
    {
        for (int i = 0; i < 20; i++)
            Write($"train/a/{i:00}.png", (byte)i);
        for (int i = 0; i < 3; i++)
            Write($"train/b/{i:00}.png", (byte)(100 + i));
        Write("test/a/x.png", 200);
        Write("test/b/x.png", 201);

        Assert.Equal([200, 201], Firsts(Open().Load(DataPart.Test, Split.DefenseGan)));
        Assert.Equal([18, 102, 19], Firsts(Open().Load(DataPart.Validation, Split.DefenseGan)));
        ImageSet train = Open().Load(DataPart.Train, Split.DefenseGan);
        Assert.Equal(20, train.Count);
        Assert.DoesNotContain((byte)18, Firsts(train));

        Write("val/a/x.png", 250);
        Assert.Equal([250], Firsts(Open().Load(DataPart.Validation, Split.DefenseGan)));
        Assert.Equal(23, Open().Load(DataPart.Train, Split.DefenseGan).Count);
    }

    [Fact]
    public void A_folder_without_parts_has_test_images_only()
    {
        Write("train/1.png", 1);
        Write("bus/1.png", 2);

        Assert.Equal(2, Open().Load(DataPart.Test, Split.Whole).Count);
        TestData.AssertRefused("expected a folder train", () => Open().Load(DataPart.Train, Split.Whole));
        TestData.AssertRefused("expected a folder train", () => Open().Load(DataPart.Validation, Split.Whole));
    }

    [Fact]
    public void Pictures_of_other_sizes_are_prepared_and_the_note_says_so()
    {
        Write("a/1.png", 50, new ImageShape(1, 30, 40));
        Write("a/2.png", 60, new ImageShape(3, 8, 8));

        ImageSet set = Open(new ImageShape(3, 8, 8)).Load(DataPart.Test, Split.Whole);

        Assert.Equal(new ImageShape(3, 8, 8), set.Shape);
        Assert.All(set.Image(0).ToArray(), value => Assert.Equal(50, value));
        Assert.All(set.Image(1).ToArray(), value => Assert.Equal(60, value));
        Assert.EndsWith(
            ": 1 of 2 pictures were resized and cut to the middle 8x8 pixels; 1 of 2 pictures were turned from gray "
                + "to color",
            set.Take(1).Note,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Where_the_model_says_no_size_the_pictures_must_have_one()
    {
        Write("a/1.png", 1);
        Write("b/1.png", 2, new ImageShape(3, 2, 2));
        Assert.Equal(new ImageShape(3, 2, 2), Open().Shape);

        Write("b/2.png", 3, new ImageShape(3, 2, 4));
        TestData.AssertRefused("pictures of one size", () => Open());
    }

    [Fact]
    public void Other_files_are_skipped_and_named_and_so_are_links_that_lead_out_of_the_folder()
    {
        using var elsewhere = new TemporaryFolder();
        string secret = elsewhere.Write("secret/s.png", Png.Encode([9, 9, 9, 9], new ImageShape(1, 2, 2)));
        Write("a/1.png", 1);
        _folder.Write("a/notes.txt", [1]);
        _folder.Write("a/.hidden.png", [1]);
        _folder.Write(".git/x.png", [1]);
        Link("a/link.png", secret);
        LinkFolder("b", Path.GetDirectoryName(secret)!);

        ImageSet set = Open().Load(DataPart.Test, Split.Whole);

        Assert.Equal([1], Firsts(set));
        Assert.EndsWith(
            "3 other files skipped: b (a link that leads out of the folder), link.png (a link that leads out of the "
                + "folder), notes.txt",
            set.Note,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Links_that_stay_inside_the_folder_are_followed()
    {
        Write("test/a/1.png", 1);
        _folder.Write("pool/2.bin", Png.Encode([2, 2, 2, 2], new ImageShape(1, 2, 2)));
        Link("test/a/2.png", Path.Combine(_folder.Path, "pool", "2.bin"));
        Link("test/a/3.png", "../../pool/2.bin");
        LinkFolder("test/b", "a");

        ImageSet set = DataSets.Open(Path.Combine(_folder.Path, "test")).Load(DataPart.Test, Split.Whole);
        Assert.Equal([1, 1], Firsts(set));
        Assert.Contains("4 other files skipped", set.Note, StringComparison.Ordinal);

        Directory.Delete(Path.Combine(_folder.Path, "pool"), recursive: true);
        _folder.Write("test/.pool/2.bin", Png.Encode([2, 2, 2, 2], new ImageShape(1, 2, 2)));
        Link("test/a/4.png", "../.pool/2.bin");
        set = DataSets.Open(Path.Combine(_folder.Path, "test")).Load(DataPart.Test, Split.Whole);
        Assert.Equal([1, 1, 2, 2], Firsts(set));
        Assert.Equal([0, 1, 0, 1], set.Labels);
    }

    [Fact]
    public void A_link_that_leaves_the_folder_on_its_way_is_not_followed()
    {
        using var elsewhere = new TemporaryFolder();
        elsewhere.Write("secret/s.png", Png.Encode([9, 9, 9, 9], new ImageShape(1, 2, 2)));
        Write("a/1.png", 1);
        LinkFolder("a/.out", Path.Combine(elsewhere.Path, "secret"));
        Link("a/2.png", ".out/s.png");
        Link("a/3.png", "3.png");
        Link("a/4.png", "nowhere.png");

        Assert.Equal([1], Firsts(Open().Load(DataPart.Test, Split.Whole)));
    }

    [Fact]
    public void A_folder_that_is_reached_through_a_link_is_read_as_any_other()
    {
        using var links = new TemporaryFolder();
        Write("a/1.png", 1);
        Link("a/2.png", Path.Combine(_folder.Path, "a", "1.png"));
        string link = Path.Combine(links.Path, "link");
        Directory.CreateSymbolicLink(link, _folder.Path);

        Assert.Equal([1, 1], Firsts(DataSets.Open(link).Load(DataPart.Test, Split.Whole)));
    }

    [Fact]
    public void Where_links_are_all_there_is_the_message_names_them()
    {
        using var elsewhere = new TemporaryFolder();
        LinkFolder("b", elsewhere.Path);
        TestData.AssertRefused(
            "got none (1 other file skipped: b (a link that leads out of the folder))",
            () => Open()
        );
    }

    [Fact]
    public void Folders_that_count_from_one_are_named_and_read_on_request()
    {
        foreach (int i in new[] { 1, 2, 3 })
            Write($"{i}/a.png", (byte)i);
        TestData.AssertRefused(
            "expected labels from 0 to 2, got labels that count from 1 to 3: give --labels-from 1",
            () => Open(classes: ["x", "y", "z"])
        );
        var preparation = new ImagePreparation { ClassNames = ["x", "y", "z"], LabelsFrom = 1 };
        ImageSet set = DataSets.Open(_folder.Path, preparation).Load(DataPart.Test, Split.Whole);
        Assert.Equal([0, 1, 2], set.Labels);
        Assert.Equal([1, 2, 3], Firsts(set));
    }

    [Fact]
    public void Empty_folders_and_pictures_without_classes_are_refused()
    {
        TestData.AssertRefused("expected a folder for each class", () => Open());
        _folder.Write("1.png", [1]);
        TestData.AssertRefused("list them with their labels in a .csv file", () => Open());
        Directory.CreateDirectory(Path.Combine(_folder.Path, "a"));
        TestData.AssertRefused("expected pictures that end in .png", () => Open());
        _folder.Write("a/1.jpg", []);
        TestData.AssertRefused(
            "1.jpg: expected an image, got an empty file",
            () => Open(new ImageShape(1, 2, 2)).Load(DataPart.Test, Split.Whole)
        );
    }

    [Fact]
    public void A_name_goes_before_a_folder_and_what_is_neither_is_told()
    {
        Assert.Same(DataSets.Mnist, DataSets.Open("MNIST"));
        Assert.IsType<CelebA>(DataSets.Open("celeba"));
        TestData.AssertRefused(
            "mnist, fashion-mnist, cifar10, celeba, an existing folder of class folders",
            () => DataSets.Open("/nowhere")
        );
        TestData.AssertRefused(
            "expected no attribute with mnist, got \"Male\": leave it out",
            () => DataSets.Open("mnist", attribute: "Male")
        );
    }

    [Fact]
    [Trait("Kind", "Fuzz")]
    public void Damaged_pictures_are_survived()
    {
        byte[][] samples =
        [
            Png.Encode(TestData.Pixels(300), new ImageShape(3, 10, 10)),
            Png.Encode(new byte[2500], new ImageShape(1, 50, 50)),
            Jpeg.Encode(TestData.Pixels(1200), new ImageShape(3, 20, 20), 80),
            Jpeg.Encode(TestData.Pixels(600), new ImageShape(1, 30, 20), 80),
        ];
        Fuzz.Run(
            samples,
            size => (8 << 20) + (4 * 24 * 1032 * size),
            file =>
            {
                _folder.Write("a/1.jpg", file);
                Open(new ImageShape(3, 24, 24)).Load(DataPart.Test, Split.Whole);
                Assert.True(Open().Shape.Pixels > 0);
            }
        );
    }

    private void Link(string name, string target) => File.CreateSymbolicLink(Path.Combine(_folder.Path, name), target);

    private void LinkFolder(string name, string target) =>
        Directory.CreateSymbolicLink(Path.Combine(_folder.Path, name), target);

    private static byte[] Firsts(ImageSet set) => [.. Enumerable.Range(0, set.Count).Select(i => set.Image(i)[0])];

    private IImageSource Open(ImageShape? shape = null, string[]? classes = null) =>
        DataSets.Open(_folder.Path, new ImagePreparation { Shape = shape, ClassNames = classes });

    private void Write(string name, byte value, ImageShape? shape = null)
    {
        ImageShape picture = shape ?? new ImageShape(1, 2, 2);
        _folder.Write(name, Png.Encode([.. Enumerable.Repeat(value, picture.Pixels)], picture));
    }
}
