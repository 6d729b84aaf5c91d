using System.IO.Compression;
using Parry.Models;
using Parry.Models.TorchScript;
using Parry.Runtime;
using TorchSharp;
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
        using OpenedModel plain = ModelCatalog.Open(path, new InputContract(), s_shape), told = ModelCatalog.Open(path, new InputContract { Size = new ImageShape(1, 2, 3), Mean = [0.5], Std = [0.25], Background = 1 });
        using var frozen = no_grad();
        using var scope = NewDisposeScope();

        Assert.Equal((16, s_shape), (plain.Model.Classes, plain.Model.Shape));
        Assert.Equal(5, told.Model.Classes);
        Assert.All(((IClassifier)told.Model).Logits(ones([2, 1, 2, 3])).ToArray<float>(), logit => Assert.Equal(2, logit));
    }

    [Fact]
    public void Channels_can_come_last()
    {
        using OpenedModel opened = ModelCatalog.Open(Script("return torch.flatten(x, 1)"), new InputContract { Size = new ImageShape(3, 2, 2), Layout = ImageLayout.Nhwc });
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor images = arange(12, ScalarType.Int64).to(ScalarType.Float32).reshape(1, 3, 2, 2);

        Assert.Equal([0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11], ((IClassifier)opened.Model).Logits(images).ToArray<float>());
    }

    [Fact]
    public void A_view_behind_a_convolution_gets_contiguous_images()
    {
        string path = Script("y = torch.max_pool2d(x, [2, 2], [2, 2])\nreturn torch.view(torch.cat([y, y], 1), [-1, 8])");
        using OpenedModel opened = ModelCatalog.Open(path, new InputContract(), s_shape);
        using var scope = NewDisposeScope();
        Tensor images = rand([3, 1, 4, 4]);
        LossGradient pass = ((IClassifier)opened.Model).Gradient(images, logits => logits.sum(1));
        Assert.Equal([3, 8], pass.Logits.shape);
        Assert.True(pass.Gradient.sum().ToDouble() > 0);
    }

    [Theory]
    [InlineData("return torch.argmax(torch.flatten(x, 1), 1, True) * torch.ones([1, 3])", "no gradient")]
    [InlineData("y = torch.exp(torch.flatten(x, 1))\nz = y * y\n_0 = torch.add_(y, 1)\nreturn z", "inplace")]
    public void What_cannot_be_differentiated_is_said_in_one_line(string forward, string word)
    {
        using OpenedModel opened = ModelCatalog.Open(Script(forward), new InputContract { Outputs = OutputKind.Logits }, s_shape);
        using var scope = NewDisposeScope();
        Tensor images = rand([3, 1, 4, 4]);
        var error = Assert.Throws<TorchException>(() => ((IClassifier)opened.Model).Gradient(images, logits => logits.sum(1)));
        Assert.Contains(word, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void The_size_of_its_images_must_be_known() =>
        Assert.Contains("--input-size", Refusal(Script("return torch.flatten(x, 1)"), null), StringComparison.Ordinal);

    [Theory]
    [InlineData("return torch.sum(x)", "row of scores")]
    [InlineData("return torch.flatten(x, 1)[:, :0]", "at least two classes")]
    [InlineData("return torch.log(torch.flatten(x, 1) - 2)", "no finite numbers")]
    [InlineData("return torch.reshape(x, [-1, 99])", "does not take images of 1x4x4")]
    public void Outputs_that_are_no_scores_are_refused(string forward, string word) =>
        Assert.Contains(word, Refusal(Script(forward), s_shape), StringComparison.Ordinal);

    [Fact]
    public void A_pickle_is_refused_with_the_reason_and_what_to_do()
    {
        string legacy = Path.Combine(_folder, "legacy.pt"), state = Path.Combine(_folder, "state.pt");
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

    [Fact]
    public void Mutated_archives_give_an_error_or_a_result()
    {
        byte[] whole = File.ReadAllBytes(Script("return torch.flatten(x, 1)"));
        string path = Path.Combine(_folder, "mutated.pt");
        var random = new Random(3);
        int refused = 0;
        for (int round = 0; round < 2000; round++)
        {
            byte[] bytes = [.. whole];
            for (int i = random.Next(1, 4); i > 0; i--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            if (round % 5 == 0) bytes = bytes[..random.Next(bytes.Length)];
            File.WriteAllBytes(path, bytes);
            if (IsRefused(path)) refused++;
        }

        Assert.InRange(refused, 1000, 1999);
    }

    [Fact]
    public void Forged_archives_give_an_error_or_a_result()
    {
        // The checksums are right, so only what is inside can tell.
        var parts = new List<(string Name, byte[] Bytes)>();
        using (ZipArchive archive = ZipFile.OpenRead(Script("return torch.flatten(x, 1)")))
        {
            foreach (ZipArchiveEntry entry in archive.Entries)
            {
                using Stream part = entry.Open();
                using var copy = new MemoryStream();
                part.CopyTo(copy);
                parts.Add((entry.FullName, copy.ToArray()));
            }
        }

        string path = Path.Combine(_folder, "forged.pt");
        var random = new Random(5);
        int refused = 0;
        for (int round = 0; round < 2000; round++)
        {
            int forged = random.Next(parts.Count);
            File.Delete(path);
            using (ZipArchive archive = ZipFile.Open(path, ZipArchiveMode.Create))
            {
                for (int i = 0; i < parts.Count; i++)
                {
                    byte[] bytes = [.. parts[i].Bytes];
                    for (int j = random.Next(1, 4); i == forged && j > 0; j--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                    using Stream part = archive.CreateEntry(parts[i].Name, CompressionLevel.NoCompression).Open();
                    part.Write(bytes);
                }
            }

            if (IsRefused(path)) refused++;
        }

        Assert.InRange(refused, 1000, 1999);
    }

    [Fact]
    public void An_archive_says_what_is_wrong_with_it()
    {
        string path = Script("return torch.flatten(x, 1)");
        using (ZipArchive archive = ZipFile.Open(path, ZipArchiveMode.Update)) archive.CreateEntry("small/DATA.pkl");
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
            for (int i = 0; i < 80; i++) entry.Write(zeros);
        }

        Assert.Contains("bomb.py", Refusal(path, s_shape), StringComparison.Ordinal);
    }

    private static bool IsRefused(string path)
    {
        try
        {
            // What passes may still hold a program that LibTorch cannot compile, which ends a process: the program's tests load such files in one of their own.
            using FileStream file = File.OpenRead(path);
            TorchScriptArchive.Check(file, "export it again");
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
        string message = Assert.Throws<UserErrorException>(() => ModelCatalog.Open(path, new InputContract(), shape)).Message;
        Assert.DoesNotContain('\n', message);
        return message;
    }
}
