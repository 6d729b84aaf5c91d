using System.Text;
using Parry.Data;
using Parry.Data.Images;
using Parry.Models;
using Parry.Runtime;
using Parry.Tests.Data;
using Parry.Tests.Models;
using Parry.Tests.Models.Onnx;
using static TorchSharp.torch;

namespace Parry.Tests.Repository;

/// <summary>An input of some kind, and what Parry does with it.</summary>
/// <param name="Format">The format of the file.</param>
/// <param name="Input">What is in it.</param>
/// <param name="Result">What Parry does, for the table in the documents.</param>
/// <param name="Try">Makes such a file in a folder, opens it, and asserts that result.</param>
internal sealed record AcceptedInput(string Format, string Input, string Result, Action<string> Try);

/// <summary>
/// Everything in the table of accepted inputs, with the files that show it. The table in the documents is made of this
/// list.
/// </summary>
internal static class AcceptedInputs
{
    private const string Onnx = "ONNX";
    private const string Script = "TorchScript";
    private const string Picture = "picture";
    private const string Table = "table";

    private static readonly ImageShape s_shape = new(1, 4, 4);
    private static readonly float[] s_weights = [.. Enumerable.Range(0, 32).Select(i => (i % 7) - 3f)];

    // A picture of 4x3 pixels.
    private const string Gif =
        "R0lGODdhBAADAIMAAAoFA0YFA4IFA74FAwpfA0ZfF4JfK75fPwq5A0a5K4K5U765ewAAAAAAAAAAAAAAACwAAAAABAADAAAIEAABBBAw"
        + "gEABAwcQJFCwICAAOw==";
    private const string Bmp =
        "Qk1aAAAAAAAAADYAAAAoAAAABAAAAAMAAAABABgAAAAAACQAAADEDgAAxA4AAAAAAAAAAAAAA7kKK7lGU7mCe7m+A18KF19GK1+CP1++"
        + "AwUKAwVGAwWCAwW+";

    private const string WebP =
        "UklGRlIAAABXRUJQVlA4TEUAAAAvA4AAEF+goG0bNuTukCyZtM3uaYr8CiPItllymUHcn2YQBJI2vvmaP/47gEHdqdSVDgiHgSCARCGW"
        + "HGZZaZZJI/of2OwA";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<AcceptedInput> All { get; } =
    [
        new(Onnx, "opsets 7 to 25", "read", folder => Assert.All(Enumerable.Range(7, 19), n => Graph(folder, Net(n)))),
        new(Onnx, "an input of [N, 784] or [N, 784, 1]", "gets the pixels of the images", ReshapedInput),
        new(Onnx, "a batch of 1 in the file or in its reshapes", "any batch is run", FixedBatch),
        new(Onnx, "a softmax or sigmoid at the end", "taken off, so that gradients do not vanish", LastSoftmax),
        new(Onnx, "one number for two classes", "the logit of the second class", folder => Classes(folder, Single())),
        new(Onnx, "several outputs", "the scores by name and shape; `--output NAME` chooses", SeveralOutputs),
        new(Onnx, "dynamically quantized", "run, with gradients straight through", Quantized),
        new(Onnx, "an operator that Parry does not know", "refused, with all such operators", UnknownOperator),
        new(Onnx, "an attribute out of range", "refused, with the node's name", WrongAttribute),
        new(Script, "scores of any shape", "read", folder => Scores(folder, "return torch.flatten(x, 1)")),
        new(
            Script,
            "a tuple with the scores",
            "the scores are taken out; `--output N` chooses",
            folder => Scores(folder, "return (x, torch.flatten(x, 1))", "Tuple[Tensor, Tensor]")
        ),
        new(
            Script,
            "`x.view(-1, n)` after a convolution",
            "images are contiguous where they must be",
            folder => Scores(folder, "return torch.view(x, [-1, 16])")
        ),
        new(Script, "code that reads, writes or prints", "refused, with the operator's name", HostileScript),
        new(Script, "a pickle of `torch.save`", "refused: export the network", PickledModel),
        new("any model", "a pointer of Git LFS, a web page, text", "named as what it is", MistakenModel),
        new(Picture, "PNG with 1 to 16 bits", "16 bits are divided by 257, with a note", Png16),
        new(Picture, "PNG with transparency, a gamma or a profile", "stored colors, with a note", Transparent),
        new(
            Picture,
            "JPEG, gray or color",
            "read",
            folder => Read(folder, Jpeg.Encode(new byte[48], new(3, 4, 4), 90))
        ),
        new(Picture, "JPEG in CMYK or YCCK", "converted as Pillow does, with a note", Cmyk),
        new(Picture, "JPEG with faults that decoders warn about", "read, with a note", FaultyJpeg),
        new(Picture, "BMP, WebP", "read", folder => Assert.All((string[])[Bmp, WebP], text => Read(folder, text))),
        new(Picture, "GIF", "its first frame", folder => Read(folder, Gif)),
        new(Table, "commas, semicolons or tabs", "read", Separators),
        new(Table, "labels as numbers, 1.0, or names of classes", "read", Labels),
        new(Table, "labels that count from 1", "refused, with the advice `--labels-from 1`", LabelsFromOne),
    ];

    /// <summary>The rows of the table, one for each format and input.</summary>
    public static IEnumerable<string> Rows => All.Select(one => $"| {one.Format} | {one.Input} | {one.Result} |");

    private static OnnxBuilder Net(int opset = 17) => Net(new OnnxBuilder(opset).Input("x", -1, 1, 4, 4));

    private static OnnxBuilder Net(OnnxBuilder begun) =>
        begun
            .Output("y", -1, 2)
            .Floats("w", s_weights, 16, 2)
            .Node("Flatten", ["x"], ["f"])
            .Node("MatMul", ["f", "w"], ["y"]);

    private static void Graph(string folder, OnnxBuilder net)
    {
        using OpenedModel opened = ModelCatalog.Open(net.Save(folder), new InputContract(), s_shape);
        using var scope = NewDisposeScope();
        var classifier = (IClassifier)opened.Model;
        LossGradient pass = classifier.Gradient(ones([3, 1, 4, 4]) / 2, logits => logits.select(1, 0));
        Assert.Equal([3, 2], pass.Logits.shape);
        Assert.NotEqual(0, pass.Gradient.abs().max().Item());
    }

    private static void Refused(string file, params string[] words)
    {
        string message = Assert
            .Throws<UserErrorException>(() => ModelCatalog.Open(file, new InputContract(), s_shape).Dispose())
            .Message;
        Assert.All(words, word => Assert.Contains(word, message, StringComparison.Ordinal));
    }

    private static void ReshapedInput(string folder)
    {
        Graph(folder, Net(new OnnxBuilder().Input("x", -1, 16)));
        Graph(folder, Net(new OnnxBuilder().Input("x", -1, 16, 1)));
    }

    private static void FixedBatch(string folder)
    {
        Graph(folder, Net(new OnnxBuilder().Input("x", 1, 1, 4, 4)));
        Graph(
            folder,
            OnnxBuilder
                .Classifier()
                .Floats("w", s_weights, 16, 2)
                .Longs("sizes", 1, 16)
                .Node("Reshape", ["x", "sizes"], ["f"])
                .Node("MatMul", ["f", "w"], ["y"])
        );
    }

    private static OnnxBuilder Headed(string head) =>
        OnnxBuilder
            .Classifier()
            .Floats("w", [.. s_weights.Select(weight => 50 * weight)], 16, 2)
            .Node("Flatten", ["x"], ["f"])
            .Node("MatMul", ["f", "w"], ["z"])
            .Node(head, ["z"], ["y"]);

    private static void LastSoftmax(string folder)
    {
        Graph(folder, Headed("Softmax"));
        Graph(folder, Headed("Sigmoid"));
    }

    private static OnnxBuilder Single() =>
        OnnxBuilder
            .Classifier(1)
            .Floats("w", s_weights[..16], 16, 1)
            .Node("Flatten", ["x"], ["f"])
            .Node("MatMul", ["f", "w"], ["y"]);

    private static void Classes(string folder, OnnxBuilder net)
    {
        using OpenedModel opened = ModelCatalog.Open(net.Save(folder), new InputContract(), s_shape);
        Assert.Equal(2, opened.Model.Classes);
    }

    private static void SeveralOutputs(string folder) =>
        Graph(
            folder,
            new OnnxBuilder()
                .Input("x", -1, 1, 4, 4)
                .Output("embedding", -1, 16)
                .Output("logits", -1, 2)
                .Floats("w", s_weights, 16, 2)
                .Node("Flatten", ["x"], ["embedding"])
                .Node("MatMul", ["embedding", "w"], ["logits"])
        );

    private static void Quantized(string folder) =>
        Graph(
            folder,
            OnnxBuilder
                .Classifier()
                .Floats("w", s_weights, 16, 2)
                .Node("Flatten", ["x"], ["f"])
                .Node("DynamicQuantizeLinear", ["f"], ["q", "scale", "zero"])
                .Node("DequantizeLinear", ["q", "scale", "zero"], ["d"])
                .Node("MatMul", ["d", "w"], ["y"])
        );

    private static void UnknownOperator(string folder) =>
        Refused(
            OnnxBuilder.Classifier().Node("Frobnicate", ["x"], ["a"]).Node("Unheard", ["a"], ["y"]).Save(folder),
            "Frobnicate",
            "Unheard"
        );

    private static void WrongAttribute(string folder) =>
        Refused(
            new OnnxBuilder()
                .Input("x", -1, 1, 4, 4)
                .Output("y", -1, 1, 4, 4)
                .Floats("k", new float[9], 1, 1, 3, 3)
                .Node("Conv", ["x", "k"], ["y"], ("group", 1L << 32))
                .Save(folder),
            "Conv",
            "group"
        );

    private static string ScriptFile(string folder, string forward, string gives = "Tensor")
    {
        string file = Path.Combine(folder, "model.pt");
        TorchScriptFile.Write(file, forward, gives);
        return file;
    }

    private static void Scores(string folder, string forward, string gives = "Tensor")
    {
        using OpenedModel opened = ModelCatalog.Open(
            ScriptFile(folder, forward, gives),
            new InputContract { Size = s_shape }
        );
        Assert.Equal(16, opened.Model.Classes);
    }

    private static void HostileScript(string folder)
    {
        string forward =
            "return torch.from_file(\"written\", True, 4, dtype=6, layout=0, device=torch.device(\"cpu\"))";
        Refused(ScriptFile(folder, forward), "from_file");
        Assert.False(File.Exists("written"));
    }

    private static void PickledModel(string folder)
    {
        string file = Path.Combine(folder, "model.pth");
        File.WriteAllBytes(file, [0x80, 2, (byte)'}', (byte)'q', 0, (byte)'.']);
        Refused(file, "export");
    }

    private static void MistakenModel(string folder)
    {
        string file = Path.Combine(folder, "model.onnx");
        File.WriteAllText(file, "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n");
        Refused(file, "Git LFS");
        File.WriteAllText(file, "<!DOCTYPE html><html></html>");
        Refused(file, "web page");
    }

    private static DecodedPicture Read(string folder, string content) =>
        Read(folder, Convert.FromBase64String(content));

    private static DecodedPicture Read(string folder, byte[] content)
    {
        string file = Path.Combine(folder, "picture");
        File.WriteAllBytes(file, content);
        DecodedPicture picture = ImageFile.Decode(file);
        Assert.Equal(picture.Shape.Pixels, picture.Planes.Length);
        return picture;
    }

    private static void Png16(string folder)
    {
        Assert.Equal(PictureTraits.None, Read(folder, PngMaker.Make(1, 0, false)).Traits);
        Assert.Equal(PictureTraits.SixteenBits, Read(folder, PngMaker.Make(16, 2, false)).Traits);
    }

    private static void Transparent(string folder)
    {
        Assert.Equal(PictureTraits.Transparent, Read(folder, PngMaker.Make(8, 6, false)).Traits);
        byte[] plain = Read(folder, PngMaker.Make(8, 2, false)).Planes;
        byte[] gamma = Read(folder, PngMaker.Make(8, 2, false, ("gAMA", [0, 0, 0x30, 0]))).Planes;
        Assert.Equal(plain, gamma);
    }

    private static void Cmyk(string folder) =>
        Assert.Equal(PictureTraits.Cmyk, Read(folder, PictureKindTests.CmykJpeg).Traits);

    private static void FaultyJpeg(string folder)
    {
        byte[] jpeg = Jpeg.Encode(new byte[48], new ImageShape(3, 4, 4), 90);
        int tables = jpeg.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xff, 0xc4]);
        byte[] faulty = [.. jpeg[..tables], 1, 2, 3, .. jpeg[tables..]];
        Assert.Equal(PictureTraits.Faulty, Read(folder, faulty).Traits);
    }

    private static ImageSet Listed(string folder, string table, IReadOnlyList<string>? classes = null)
    {
        File.WriteAllBytes(Path.Combine(folder, "a.png"), Png.Encode(new byte[16], s_shape));
        File.WriteAllBytes(Path.Combine(folder, "b.png"), Png.Encode(new byte[16], s_shape));
        string file = Path.Combine(folder, "table.csv");
        File.WriteAllText(file, table, Encoding.UTF8);
        var preparation = new ImagePreparation { Shape = s_shape, ClassNames = classes };
        return new ImageTable(file, preparation).Load(DataPart.Test, Split.Whole);
    }

    private static void Separators(string folder)
    {
        foreach (char separator in ",;\t")
        {
            string table = $"filename{separator}label\na.png{separator}1\nb.png{separator}0\n";
            Assert.Equal([1, 0], Listed(folder, table).Labels);
        }
    }

    private static void Labels(string folder)
    {
        Assert.Equal([1, 0], Listed(folder, "a.png,1.0\nb.png,0.0\n").Labels);
        Assert.Equal([1, 0], Listed(folder, "a.png,dog\nb.png,cat\n", ["cat", "dog"]).Labels);
    }

    private static void LabelsFromOne(string folder)
    {
        string message = Assert
            .Throws<UserErrorException>(() => Listed(folder, "a.png,1\nb.png,2\n", ["cat", "dog"]))
            .Message;
        Assert.Contains("--labels-from 1", message, StringComparison.Ordinal);
    }
}
