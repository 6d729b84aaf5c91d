using System.Text;
using Parry.Data;
using Parry.Data.Images;

namespace Parry.Tests.Data;

/// <summary>CelebA's layout, with made photos.</summary>
public sealed class CelebATests : IDisposable
{
    private static readonly ImageShape s_photo = new(3, 218, 178);

    private readonly TemporaryFolder _folder = new();

    public CelebATests()
    {
        for (byte i = 1; i <= 5; i++)
            _folder.Write($"celeba/img_align_celeba/00000{i}.jpg", Photo((byte)(40 * i)));
        _folder.Write("celeba/list_attr_celeba.txt", Attributes());
        _folder.Write("celeba/list_eval_partition.txt", Partitions());
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(DataPart.Train, new[] { 0, 1 }, new[] { 40, 80 })]
    [InlineData(DataPart.Validation, new[] { 0 }, new[] { 120 })]
    [InlineData(DataPart.Test, new[] { 1, 0 }, new[] { 160, 200 })]
    public void Partitions_are_parts_and_the_attribute_is_the_class(DataPart part, int[] labels, int[] brightness)
    {
        ImageSet set = Open("Male").Load(part, Split.DefenseGan, _folder.Path);

        Assert.Equal(labels, set.Labels);
        Assert.Equal(["not Male", "Male"], set.ClassNames);
        Assert.Equal(new ImageShape(3, 64, 64), set.Shape);
        for (int i = 0; i < set.Count; i++)
            Assert.InRange(set.Image(i)[0], brightness[i] - 2, brightness[i] + 2);
        Assert.Contains("cut to the middle 108x108 and resized to 64x64 pixels", set.Note, StringComparison.Ordinal);
    }

    [Fact]
    public void Any_of_the_forty_attributes_can_be_the_class()
    {
        Assert.Equal(40, CelebA.Attributes.Count);
        Assert.Equal([0, 0], Open("young").Load(DataPart.Test, Split.Whole, _folder.Path).Labels);
        Assert.Equal(["not Young", "Young"], Open("young").ClassNames);
        TestData.AssertRefused("did you mean Smiling?", () => Open("Smilling"));
        TestData.AssertRefused("its attributes: 5_o_Clock_Shadow", () => Open("x"));
    }

    [Fact]
    public void Only_the_face_is_seen()
    {
        byte[] planes = new byte[s_photo.Pixels];
        for (int channel = 0; channel < 3; channel++)
        {
            for (int y = 55; y < 163; y++)
                planes.AsSpan((((channel * 218) + y) * 178) + 35, 108).Fill(200);
        }

        _folder.Write("celeba/img_align_celeba/000004.jpg", Png.Encode(planes, s_photo));
        Assert.All(
            Open("Male").Load(DataPart.Test, Split.Whole, _folder.Path, count: 1).Pixels.ToArray(),
            value => Assert.Equal(200, value)
        );
    }

    [Fact]
    public void A_model_of_another_size_gets_photos_of_its_size()
    {
        IImageSource source = DataSets.Open("celeba", new ImagePreparation { Shape = new ImageShape(1, 32, 32) });
        ImageSet set = source.Load(DataPart.Test, Split.Whole, _folder.Path);
        Assert.Equal(new ImageShape(1, 32, 32), set.Shape);
        Assert.InRange(set.Image(0)[0], 158, 162);
        Assert.Equal(
            new ImageShape(1, 64, 64),
            DataSets
                .Open("celeba", new ImagePreparation { Shape = new ImageShape(1, 64, 64) })
                .Load(DataPart.Test, Split.Whole, _folder.Path)
                .Shape
        );
    }

    [Fact]
    public void The_folders_of_the_download_are_known_too()
    {
        using var folder = new TemporaryFolder();
        folder.Write("CelebA/Img/img_align_celeba/000004.jpg", Photo(10));
        folder.Write("CelebA/Anno/list_attr_celeba.txt", Attributes());
        folder.Write("CelebA/Eval/list_eval_partition.txt", Partitions());
        Assert.Equal(1, Open("Male").Load(DataPart.Test, Split.Whole, folder.Path, count: 1).Count);
    }

    [Fact]
    public void Where_it_is_got_is_told_if_it_is_nowhere()
    {
        File.Delete(Path.Combine(_folder.Path, "celeba", "list_eval_partition.txt"));
        TestData.AssertRefused(
            "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
            () => Open("Male").Load(DataPart.Test, Split.Whole, _folder.Path)
        );
    }

    [Theory]
    [InlineData(
        "list_attr_celeba.txt",
        "5\nBald Young\n000001.jpg 1 1\n",
        "line 2: expected the names of the attributes with Male among them"
    )]
    [InlineData(
        "list_attr_celeba.txt",
        "5\nBald Male\n000001.jpg 1\n",
        "line 3: expected a photo's name and -1 or 1 for each of 2 attributes"
    )]
    [InlineData(
        "list_attr_celeba.txt",
        "5\nBald Male\n000001.jpg 1 0\n",
        "line 3: expected a photo's name and -1 or 1"
    )]
    [InlineData("list_attr_celeba.txt", "5\nBald Male\n../../secret.jpg 1 1\n", "line 3: expected the name of a photo")]
    [InlineData("list_attr_celeba.txt", "5\nBald Male\n", "expected photos of celeba test in both lists")]
    [InlineData(
        "list_eval_partition.txt",
        "000001.jpg 0\n000002.jpg 3\n",
        "line 2: expected a photo's name and its partition 0, 1 or 2"
    )]
    [InlineData("list_eval_partition.txt", "000001.jpg 2\n000001.jpg 2\n", "line 2: expected each photo once")]
    public void A_wrong_line_of_a_list_is_named(string list, string text, string because)
    {
        _folder.Write($"celeba/{list}", Encoding.UTF8.GetBytes(text));
        TestData.AssertRefused(because, () => Open("Male").Load(DataPart.Test, Split.Whole, _folder.Path));
    }

    [Fact]
    [Trait("Kind", "Fuzz")]
    public void Damaged_lists_are_survived()
    {
        foreach (
            var (list, content) in new[]
            {
                ("list_attr_celeba.txt", Attributes()),
                ("list_eval_partition.txt", Partitions()),
            }
        )
        {
            Fuzz.Run(
                [content],
                size => (8 << 20) + (100 * size),
                file =>
                {
                    _folder.Write($"celeba/{list}", file);
                    Open("Male").Load(DataPart.Test, Split.Whole, _folder.Path, count: 1);
                }
            );
            _folder.Write($"celeba/{list}", content);
        }
    }

    private static IImageSource Open(string attribute) => DataSets.Open("celeba", attribute: attribute);

    private static byte[] Photo(byte brightness) =>
        Jpeg.Encode([.. Enumerable.Repeat(brightness, s_photo.Pixels)], s_photo, 90);

    // Photos 2 and 4 are Male; nobody is anything else.
    private static byte[] Attributes() =>
        Encoding.ASCII.GetBytes(
            $"5\n{string.Join(' ', CelebA.Attributes)} \n" + string.Concat(Enumerable.Range(1, 5).Select(Row))
        );

    private static string Row(int photo)
    {
        IEnumerable<string> values = CelebA.Attributes.Select(name => name == "Male" && photo % 2 == 0 ? "  1" : " -1");
        return $"00000{photo}.jpg {string.Concat(values)}\n";
    }

    private static byte[] Partitions() =>
        Encoding.ASCII.GetBytes("000001.jpg 0\n000002.jpg 0\n000003.jpg 1\n000004.jpg 2\n000005.jpg 2\n");
}
