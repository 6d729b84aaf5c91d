using System.IO.Compression;
using Parry.Models;
using Parry.Models.TorchScript;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Models;

public sealed class TorchScriptModelTests : IDisposable
{
    private static readonly ImageShape s_shape = new(1, 4, 4);

    private readonly string _folder = Directory.CreateTempSubdirectory("parry-script").FullName;

    public void Dispose() => Directory.Delete(_folder, true);

    [Fact]
    public void A_script_takes_images_as_the_contract_says()
    {
        string path = Script("return torch.flatten(x, 1)");
        using OpenedModel plain = ModelCatalog.Open(path, new InputContract(), s_shape);
        using OpenedModel told = ModelCatalog.Open(
            path,
            new InputContract
            {
                Size = new ImageShape(1, 2, 3),
                Mean = [0.5],
                Std = [0.25],
                Background = 1,
            }
        );
        using var frozen = no_grad();
        using var scope = NewDisposeScope();

        Assert.Equal((16, s_shape), (plain.Model.Classes, plain.Model.Shape));
        Assert.Equal(5, told.Model.Classes);
        Assert.All(
            ((IClassifier)told.Model).Logits(ones([2, 1, 2, 3])).ToArray<float>(),
            logit => Assert.Equal(2, logit)
        );
    }

    [Theory]
    [InlineData("HalfStorage", new byte[] { 0, 0x38 })]
    [InlineData("BFloat16Storage", new byte[] { 0, 0x3f })]
    [InlineData("DoubleStorage", new byte[] { 0, 0, 0, 0, 0, 0, 0xe0, 0x3f })]
    public void A_module_in_half_or_double_precision_runs_in_its_own(string kind, byte[] half)
    {
        string path = Path.Combine(_folder, "weight.pt");
        TorchScriptFile.WriteWeight(path, kind, half, rows: 16);
        using OpenedModel opened = ModelCatalog.Open(path, new InputContract(), s_shape);
        using var scope = NewDisposeScope();
        var model = (IClassifier)opened.Model;
        LossGradient pass = model.Gradient(full([2, 1, 4, 4], 0.25), logits => logits.sum(1));

        Assert.Equal(ScalarType.Float32, pass.Logits.dtype);
        Assert.All(pass.Logits.ToArray<float>(), logit => Assert.Equal(2, logit));
        Assert.Equal(ScalarType.Float32, pass.Gradient.dtype);
        Assert.All(pass.Gradient.ToArray<float>(), value => Assert.Equal(1.5f, value));
    }

    [Fact]
    public void Channels_can_come_last()
    {
        using OpenedModel opened = ModelCatalog.Open(
            Script("return torch.flatten(x, 1)"),
            new InputContract { Size = new ImageShape(3, 2, 2), Layout = ImageLayout.Nhwc }
        );
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor images = arange(12, ScalarType.Int64).to(ScalarType.Float32).reshape(1, 3, 2, 2);

        Assert.Equal(
            [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11],
            ((IClassifier)opened.Model).Logits(images).ToArray<float>()
        );
    }

    [Fact]
    public void The_size_of_its_images_must_be_known() =>
        Assert.Contains("--input-size", Refusal(Script("return torch.flatten(x, 1)"), null), StringComparison.Ordinal);

    [Theory]
    [InlineData("return torch.sum(x)", "row of scores")]
    [InlineData("return torch.flatten(x, 1)[:, :0]", "at least two classes")]
    [InlineData("return torch.log(torch.flatten(x, 1) - 2)", "not finite")]
    [InlineData("return torch.reshape(x, [-1, 99])", "does not take images of 1x4x4 (shape '[-1, 99]' is invalid")]
    public void Outputs_that_are_no_scores_are_refused(string forward, string word) =>
        Assert.Contains(word, Refusal(Script(forward), s_shape), StringComparison.Ordinal);

    [Fact]
    public void A_pickle_is_refused_with_the_reason_and_what_to_do()
    {
        string legacy = Path.Combine(_folder, "legacy.pt");
        string state = Path.Combine(_folder, "state.pt");
        File.WriteAllBytes(legacy, [0x80, 2, (byte)'}', (byte)'.']);
        using (ZipArchive archive = ZipFile.Open(state, ZipArchiveMode.Create))
        {
            using Stream entry = archive.CreateEntry("archive/data.pkl", CompressionLevel.NoCompression).Open();
            entry.Write([0x80, 2, (byte)'}', (byte)'.']);
        }

        foreach (string path in new[] { legacy, state })
        {
            string message = Refusal(path, s_shape);
            Assert.Contains("pickle", message, StringComparison.Ordinal);
            Assert.Contains("torch.jit.trace", message, StringComparison.Ordinal);
        }
    }

    // Those that are accepted go to LibTorch in processes of their own: see the tests of the command line.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Archives_with_changed_bytes_are_refused_or_accepted(bool forge)
    {
        string whole = Script("return torch.flatten(x, 1)");
        string path = Path.Combine(_folder, "changed.pt");
        var random = new Random(3);
        int refused = 0;
        for (int round = 0; round < 2000; round++)
        {
            if (forge)
                TorchScriptFile.Forge(whole, path, random);
            else
                File.WriteAllBytes(path, TorchScriptFile.Mutated(File.ReadAllBytes(whole), random, round % 5 == 0));
            if (IsRefused(path))
                refused++;
        }

        Assert.InRange(refused, 1000, 1999);
    }

    [Theory]
    [InlineData("Bensor", "Bensor, which is unknown")]
    [InlineData("Optional[List[__torch__.Nothing]]", "__torch__.Nothing, which is unknown")]
    public void Members_are_of_known_types(string type, string word)
    {
        string path = Path.Combine(_folder, "member.pt");
        TorchScriptFile.WriteMember(path, type);
        Assert.Contains(word, Refusal(path, s_shape), StringComparison.Ordinal);
    }

    [Fact]
    public void A_forward_of_two_inputs_is_called_that()
    {
        string path = Path.Combine(_folder, "two.pt");
        TorchScriptFile.WriteCode(
            path,
            "class Small(Module):\n  training : bool\n  def forward(self: __torch__.Small,\n    x: Tensor,\n    "
                + "mask: Tensor) -> Tensor:\n    return torch.mul(x, mask)\n"
        );
        Assert.Contains("2 inputs (x, mask)", Refusal(path, s_shape), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(
        "return torch.add(torch.flatten(x, 1), torch.zeros([1], device=torch.device(\"cuda:0\")))",
        "traced on a GPU"
    )]
    [InlineData("return torch.matmul(torch.flatten(x, 1), torch.zeros([16, 2], dtype=7))", "mixes types of numbers")]
    [InlineData("return torch.view(torch.permute(x, [0, 3, 2, 1]), [-1, 16])", "use reshape in its place")]
    [InlineData("ops.prim.RaiseException(\"no weights\")\nreturn x", "fails on images of 1x4x4")]
    public void A_failure_is_called_what_it_is(string forward, string word)
    {
        string message = Refusal(Script(forward), s_shape);
        Assert.Contains(word, message, StringComparison.Ordinal);
        Assert.DoesNotContain("--input-size", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("return torch.view(x, [1, 16])")]
    [InlineData("return torch.reshape(torch.mean(x, [0]), [1, 16])")]
    public void A_network_traced_on_one_image_is_given_one_at_a_time(string forward)
    {
        using OpenedModel opened = ModelCatalog.Open(Script(forward), new InputContract(), s_shape);
        using var scope = NewDisposeScope();
        Tensor images = rand([5, 1, 4, 4]);
        Assert.Equal(images.ToArray<float>(), ((IClassifier)opened.Model).Logits(images).ToArray<float>());
        LossGradient pass = ((IClassifier)opened.Model).Gradient(images, logits => logits.sum(1));
        Assert.All(pass.Gradient.ToArray<float>(), value => Assert.Equal(1, value));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void A_network_that_views_its_maps_gets_images_in_their_order_whatever_order_they_have(int channels)
    {
        string path = Script(
            $"y = torch.conv2d(x, torch.ones([2, {channels}, 1, 1]))\nz = torch.view(y, [-1, 32])\nreturn z"
        );
        using OpenedModel opened = ModelCatalog.Open(path, new InputContract(), new ImageShape(channels, 4, 4));
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor images = rand([2, channels, 4, 4]);
        Tensor last = images.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);
        Tensor odd = images
            .reshape(2, channels, 4, 4)
            .as_strided([2, channels, 4, 4], [channels * 16, channels == 1 ? 1 : 16, 4, 1]);
        var model = (IClassifier)opened.Model;

        float[] expected = model.Logits(images).ToArray<float>();
        Assert.Equal(expected, model.Logits(last).ToArray<float>());
        Assert.Equal(expected, model.Logits(odd).ToArray<float>());
    }

    [Fact]
    public void Predictions_are_refused() =>
        Assert.Contains(
            "argmax",
            Refusal(Script("return torch.argmax(torch.flatten(x, 1), 1)"), s_shape),
            StringComparison.Ordinal
        );

    [Theory]
    [InlineData(
        "y = torch.sigmoid(x)\ntorch.mul_(y, 2.)\nreturn torch.flatten(y, 1)",
        "modified by an inplace operation"
    )]
    [InlineData("return torch.flatten(torch.nextafter(x, torch.zeros_like(x)), 1)", "not implemented")]
    [InlineData("return torch.gt(torch.flatten(x, 1), 0.5)", "no gradients")]
    [InlineData("return torch.floor(torch.flatten(x, 1).detach())", "no gradients")]
    public void What_cannot_be_differentiated_says_so_in_one_line(string forward, string word)
    {
        string path = Script(forward);
        using OpenedModel opened = ModelCatalog.Open(path, new InputContract(), s_shape);
        using var scope = NewDisposeScope();
        var model = (IClassifier)opened.Model;
        string message = Assert
            .Throws<UserErrorException>(() => model.Gradient(full([2, 1, 4, 4], 0.5), logits => logits.sum(1)))
            .Message;

        Assert.DoesNotContain('\n', message);
        Assert.Contains(path, message, StringComparison.Ordinal);
        Assert.Contains(word, message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_network_that_writes_into_its_input_gets_a_copy()
    {
        using OpenedModel opened = ModelCatalog.Open(
            Script("y = torch.mul_(x, 2.)\nreturn torch.flatten(y, 1)"),
            new InputContract(),
            s_shape
        );
        using var scope = NewDisposeScope();
        Tensor images = full([2, 1, 4, 4], 0.5);
        var model = (IClassifier)opened.Model;
        LossGradient pass = model.Gradient(images, logits => logits.sum(1));

        Assert.All(model.Logits(images).ToArray<float>(), logit => Assert.Equal(1, logit));
        Assert.All(pass.Gradient.ToArray<float>(), value => Assert.Equal(2, value));
        Assert.All(images.ToArray<float>(), pixel => Assert.Equal(0.5f, pixel));
    }

    [Fact]
    public void Other_images_than_it_takes_are_refused_in_one_line()
    {
        using OpenedModel opened = ModelCatalog.Open(
            Script("return torch.reshape(x, [-1, 16])"),
            new InputContract(),
            s_shape
        );
        using var scope = NewDisposeScope();
        string message = Assert
            .Throws<UserErrorException>(() => ((IClassifier)opened.Model).Logits(zeros([1, 1, 3, 3])))
            .Message;
        Assert.DoesNotContain('\n', message);
        Assert.Contains("Float32[1, 1, 3, 3]", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("return torch.reshape(x, [-1, 48])", true)]
    [InlineData("return torch.view(x, [-1, 48])", false)]
    [InlineData("return torch.as_strided(x, [torch.size(x, 0), 48], [48, 1])", false)]
    public void Images_are_laid_out_as_the_network_takes_them(string forward, bool channelsLast)
    {
        using OpenedModel opened = ModelCatalog.Open(Script(forward), new InputContract(), new ImageShape(3, 4, 4));
        using var scope = NewDisposeScope();
        var model = (ImportedClassifier)opened.Model;
        Tensor images = rand([2, 3, 4, 4]);

        Assert.Equal(channelsLast, model.IsChannelsLast);
        Assert.Equal(images.ToArray<float>(), model.Logits(images).ToArray<float>());
        LossGradient pass = ((IClassifier)model).Gradient(images, logits => logits.sum(1));
        Assert.All(pass.Gradient.ToArray<float>(), value => Assert.Equal(1, value));
    }

    [Fact]
    public void An_archive_of_torch_export_is_refused_with_what_to_do()
    {
        string path = Path.Combine(_folder, "model.pt2");
        using (ZipArchive archive = ZipFile.Open(path, ZipArchiveMode.Create))
        {
            foreach (string part in new[] { "archive_format", "models/model.json", "data/weights/weight_0" })
            {
                using Stream entry = archive.CreateEntry("model/" + part, CompressionLevel.NoCompression).Open();
                entry.Write("pt2"u8);
            }
        }

        string message = Refusal(path, s_shape);
        foreach (string word in new[] { "torch.export", "ONNX", "torch.jit.trace" })
            Assert.Contains(word, message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_archive_says_what_is_wrong_with_it()
    {
        string path = Script("return torch.flatten(x, 1)");
        using (ZipArchive archive = ZipFile.Open(path, ZipArchiveMode.Update))
            archive.CreateEntry("small/DATA.pkl");
        Assert.Contains("two parts small/DATA.pkl", Refusal(path, s_shape), StringComparison.Ordinal);

        using (ZipArchive archive = ZipFile.Open(path, ZipArchiveMode.Update))
        {
            archive.GetEntry("small/DATA.pkl")!.Delete();
            archive.GetEntry("small/data.pkl")!.Delete();
        }

        Assert.Contains("no part small/data.pkl", Refusal(path, s_shape), StringComparison.Ordinal);
    }

    [Fact]
    public void A_part_that_unpacks_without_end_is_refused()
    {
        string path = Script("return torch.flatten(x, 1)");
        using (ZipArchive archive = ZipFile.Open(path, ZipArchiveMode.Update))
        {
            using Stream entry = archive.CreateEntry("small/code/bomb.py", CompressionLevel.SmallestSize).Open();
            byte[] zeros = new byte[1 << 20];
            for (int i = 0; i < 80; i++)
                entry.Write(zeros);
        }

        Assert.Contains("bomb.py", Refusal(path, s_shape), StringComparison.Ordinal);
    }

    private static bool IsRefused(string path)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            TorchScriptArchive.Check(file, "");
            return false;
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            Assert.DoesNotContain('\n', e.Message);
            return true;
        }
    }

    private string Script(string forward)
    {
        string path = Path.Combine(_folder, "model.pt");
        TorchScriptFile.Write(path, forward);
        return path;
    }

    private static string Refusal(string path, ImageShape? shape)
    {
        string message = Assert
            .Throws<UserErrorException>(() => ModelCatalog.Open(path, new InputContract(), shape))
            .Message;
        Assert.DoesNotContain('\n', message);
        return message;
    }
}
