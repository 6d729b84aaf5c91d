using System.Text;
using Parry.Data;
using Parry.Data.Images;

namespace Parry.Tests.Data;

public sealed class ImageTableTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public ImageTableTests()
    {
        for (byte i = 0; i < 3; i++)
            _folder.Write($"pictures/{i}.png", Png.Encode([i, 0, 0, 0], new ImageShape(1, 2, 2)));
        _folder.Write("a, \"b\".png", Png.Encode([9, 0, 0, 0], new ImageShape(1, 2, 2)));
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("pictures/0.png,2\npictures/2.png,0\n")]
    [InlineData("file,label\r\npictures/0.png,2\r\n\r\npictures/2.png,0")]
    [InlineData("pictures/0.png;2\npictures/2.png;0\n")]
    [InlineData("pictures/0.png\t2\npictures/2.png\t0\n")]
    [InlineData("image_path;label\n\"pictures/0.png\";2\npictures/2.png;0\n")]
    [InlineData("\nlabel\tfilename\r\n2\tpictures/0.png\r\n0\tpictures/2.png\r\n")]
    [InlineData("path,label\npictures/0.png,2.0\npictures/2.png,0.0\n")]
    [InlineData("\uFEFFLabel,split,FILE\n2,x,pictures/0.png\n 0 ,\"y\n\",\"pictures/2.png\"\n")]
    public void Rows_are_read_in_order_with_or_without_a_header(string text)
    {
        ImageSet set = Open(text).Load(DataPart.Test, Split.Whole);

        Assert.Equal([2, 0], set.Labels);
        Assert.Equal([0, 2], [set.Image(0)[0], set.Image(1)[0]]);
        Assert.Equal(["0", "1", "2"], set.ClassNames);
    }

    [Fact]
    public void Quoted_fields_and_absolute_paths_are_read()
    {
        ImageSet set = Open($"\"a, \"\"b\"\".png\",\"x,y\"\n{Path.Combine(_folder.Path, "pictures", "1.png")},a")
            .Load(DataPart.Test, Split.Whole);

        Assert.Equal(["a", "x,y"], set.ClassNames);
        Assert.Equal([1, 0], set.Labels);
        Assert.Equal([9, 1], [set.Image(0)[0], set.Image(1)[0]]);
    }

    [Fact]
    public void Labels_are_looked_up_among_the_models_classes()
    {
        ImageSet set = Open(
                "pictures/0.png,Goldfish\npictures/1.png,0\npictures/2.png,tinca tinca",
                ["tench, Tinca tinca", "goldfish"]
            )
            .Load(DataPart.Test, Split.Whole, count: 3);
        Assert.Equal([1, 0, 0], set.Labels);
        Assert.Equal(2, set.ClassNames.Count);
    }

    [Theory]
    [InlineData("", "expected text, got an empty file")]
    [InlineData("\n\n", "expected lines of file,label, got none")]
    [InlineData("file,label\n", "got none")]
    [InlineData("pictures/0.png\n", "line 1: expected the columns file and label")]
    [InlineData("file,label,file\n", "line 1: expected the columns file and label, each once")]
    [InlineData("file,class\n", "line 1: expected the columns")]
    [InlineData("filename;class\n", "line 1: expected the columns")]
    [InlineData("pictures/0.png;1\npictures/1.png,2\n", "line 2: expected 2 columns")]
    [InlineData("pictures/0.png,1,2\n", "line 1: expected the columns")]
    [InlineData("pictures/0.png,1\npictures/1.png\n", "line 2: expected 2 columns")]
    [InlineData("pictures/0.png,1\n\npictures/1.txt,2\n", "line 3: expected a file that ends in .png, .jpg, .jpeg,")]
    [InlineData("pictures/0.png,1\npictures/1.png,one\n", "line 2: expected a label from 0 to")]
    [InlineData("pictures/0.png,1\npictures/1.png,-1\n", "line 2: expected a label from 0 to")]
    [InlineData("pictures/0.png,1\npictures/1.png,2000000000\n", "line 2: expected a label from 0 to")]
    [InlineData("pictures/0.png,a\npictures/1.png,\n", "line 2: expected a label, got none")]
    [InlineData("pictures/0.png,1\n\"pictures/1.png,2\n", "line 2: expected a quote that ends the field")]
    [InlineData("pictures/0.png,1\n\"pictures/1.png\"x,2\n", "line 2: expected a separator or the end of the line")]
    [InlineData("pictures/0.png,1\npictu\"res/1.png,2\n", "line 2: expected quotes around a whole field")]
    [InlineData("pictures/0\0.png,1\n", "got NUL bytes")]
    [InlineData("\"pictures/0\n.png\",1\n", "line 1: expected a file that ends in")]
    public void A_wrong_line_is_named(string text, string because) => TestData.AssertRefused(because, () => Open(text));

    [Fact]
    public void Fields_may_hold_the_other_separators()
    {
        _folder.Write("a;b.png", Png.Encode([7, 0, 0, 0], new ImageShape(1, 2, 2)));
        Assert.Equal(7, Open("a;b.png,1\n").Load(DataPart.Test, Split.Whole).Image(0)[0]);
        Assert.Equal(9, Open("\"a, \"\"b\"\".png\";1\n").Load(DataPart.Test, Split.Whole).Image(0)[0]);
        Assert.Equal(
            [1],
            Open("pictures/1.png;tench, Tinca\n", ["goldfish", "tench, Tinca"]).Load(DataPart.Test, Split.Whole).Labels
        );
    }

    [Fact]
    public void Labels_with_decimals_are_numbers_of_the_models_classes()
    {
        Assert.Equal(
            [1, 0],
            Open("pictures/0.png,1.0\npictures/1.png,0.00\n", ["cat", "dog"]).Load(DataPart.Test, Split.Whole).Labels
        );
        TestData.AssertRefused("got \"0.5\"", () => Open("pictures/0.png,0.5", ["cat", "dog"]));
    }

    [Theory]
    [InlineData("cat,dog,emu")]
    [InlineData("0,1,2")]
    public void Labels_that_count_from_one_are_named_and_read_on_request(string classes)
    {
        const string Rows = "pictures/0.png,1\npictures/1.png,3\npictures/2.png,2\n";
        TestData.AssertRefused(
            "labels.csv: expected labels from 0 to 2, got labels that count from 1 to 3: give --labels-from 1",
            () => Open(Rows, classes.Split(','))
        );
        Assert.Equal([0, 2, 1], Open(Rows, classes.Split(','), from: 1).Load(DataPart.Test, Split.Whole).Labels);
        Assert.Equal([0, 2, 1], Open(Rows, from: 1).Load(DataPart.Test, Split.Whole).Labels);
        TestData.AssertRefused(
            "or its number, 1 to 3, got \"0\"",
            () => Open("pictures/0.png,0", ["cat", "dog", "emu"], from: 1)
        );
    }

    [Fact]
    public void Labels_within_the_classes_are_taken_as_they_are() =>
        Assert.Equal(
            [1, 2],
            Open("pictures/0.png,1\npictures/1.png,2\n", ["cat", "dog", "emu"]).Load(DataPart.Test, Split.Whole).Labels
        );

    [Theory]
    [InlineData("12")]
    [InlineData("-1")]
    [InlineData("10")]
    public void Numbers_are_not_taken_for_mistyped_numbers(string label)
    {
        var error = Assert.Throws<UserErrorException>(() =>
            Open($"pictures/1.png,0\npictures/0.png,{label}", TestData.Digits)
        );
        Assert.EndsWith($"0 to 9, got \"{label}\"", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_label_that_the_model_lacks_names_its_line() =>
        TestData.AssertRefused(
            "line 2: expected one of the model's 2 classes or its number, 0 to 1, got \"dot\", did you mean dog?",
            () => Open("pictures/0.png,1\npictures/1.png,dot", ["cat", "dog"])
        );

    [Fact]
    public void Giant_lines_and_rows_are_refused()
    {
        TestData.AssertRefused("line 1: expected fields of at most 4096 letters", () => Open(new string('x', 1 << 20)));
        TestData.AssertRefused(
            "line 1: expected fields of at most 4096 letters",
            () => Open('"' + new string('x', 1 << 20))
        );
        TestData.AssertRefused("line 1: expected at most 1000 columns", () => Open(new string(',', 1 << 20)));
    }

    [Fact]
    public void An_unreadable_picture_names_its_line()
    {
        IImageSource source = DataSets.Open(
            Write("pictures/0.png,1\nmissing.png,1\n/dev/zero.png,0\n"),
            new ImagePreparation { Shape = new ImageShape(1, 2, 2) }
        );
        Assert.Equal(1, source.Load(DataPart.Test, Split.Whole, count: 1).Count);
        TestData.AssertRefused("line 2: ", () => source.Load(DataPart.Test, Split.Whole));
    }

    [Fact]
    public void It_has_test_images_only() =>
        TestData.AssertRefused(
            "lists test images only",
            () => Open("pictures/0.png,1").Load(DataPart.Train, Split.Whole)
        );

    [Fact]
    [Trait("Kind", "Fuzz")]
    public void Damaged_tables_are_survived()
    {
        byte[][] samples =
        [
            Encoding.UTF8.GetBytes("file,label\npictures/0.png,2\n\"pictures/1.png\",\"1\"\r\npictures/2.png,0\n"),
            Encoding.UTF8.GetBytes("pictures/0.png,cat\npictures/1.png,\"dog, big\"\n\"a, \"\"b\"\".png\",cat\n"),
        ];
        Fuzz.Run(
            samples,
            size => (8 << 20) + (100 * size),
            file =>
                DataSets
                    .Open(_folder.Write("fuzz.csv", file), new ImagePreparation { Shape = new ImageShape(1, 2, 2) })
                    .Load(DataPart.Test, Split.Whole)
        );
    }

    private string Write(string text) => _folder.Write("labels.csv", Encoding.UTF8.GetBytes(text));

    private IImageSource Open(string text, string[]? classes = null, int from = 0) =>
        DataSets.Open(Write(text), new ImagePreparation { ClassNames = classes, LabelsFrom = from });
}
