using System.Text.Json;
using Parry.Data.Images;

namespace Parry.Cli.Tests;

/// <summary>Verbs on pictures of one's own: class folders, a .csv file, CelebA.</summary>
public sealed class ImageDataTests : IAsyncLifetime, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Model => _folder.File("light.safetensors");

    private string Photos => _folder.File("photos");

    public async Task InitializeAsync()
    {
        foreach (var (part, count) in new[] { ("train", 20), ("test", 4) })
        {
            for (int i = 0; i < count; i++)
            {
                Write($"own/{part}/dark/{i:00}.png", new ImageShape(1, 8, 8), (byte)(10 + i));
                Write($"own/{part}/light/{i:00}.png", new ImageShape(1, 8, 8), (byte)(220 + i));
            }
        }

        for (int i = 0; i < 3; i++)
        {
            Write($"photos/Light/{i}.png", new ImageShape(3, 30, 20), 230);
            Write($"photos/dark/{i}.png", new ImageShape(3, 12, 20), 20);
        }

        var run = await CommandLine.Run(
            "train",
            "classifier",
            "--data",
            _folder.File("own"),
            "--net",
            "e",
            "--epochs",
            "10",
            "--batch",
            "8",
            "--out",
            Model
        );
        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Contains("100.00 % of 8 test images", run.Output, StringComparison.Ordinal);
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_folder_of_other_pictures_is_made_ready_for_the_model_and_the_report_says_so()
    {
        JsonElement report = (
            await CommandLine.Run(
                "attack",
                "--model",
                Model,
                "--data",
                Photos,
                "--attack",
                "fgsm:eps=0.01",
                "--count",
                "6",
                "--json"
            )
        ).Json();

        Assert.Equal("photos", report.GetProperty("data").GetString());
        Assert.Equal(6, report.GetProperty("rows")[0].GetProperty("clean_correct").GetInt32());
        Assert.Equal(
            "photos: 6 of 6 pictures were resized and cut to the middle 8x8 pixels; 6 of 6 pictures were turned gray",
            report.GetProperty("notes")[0].GetString()
        );
        Assert.Contains(
            "note: photos: 2 of 2",
            (
                await CommandLine.Run(
                    "attack",
                    "--model",
                    Model,
                    "--data",
                    Photos,
                    "--attack",
                    "fgsm:eps=0.01",
                    "--count",
                    "2"
                )
            ).Output,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "note: photos: 2 of 2",
            (
                await CommandLine.Run("certify", "--model", Model, "--data", Photos, "--samples", "10", "--count", "2")
            ).Output,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_camera_orientation_is_noted_by_every_verb_and_applied_on_request()
    {
        string photo = _folder.File("turned/dark/0.jpg");
        Directory.CreateDirectory(_folder.File("turned/dark"));
        Directory.CreateDirectory(_folder.File("turned/light"));
        var shape = new ImageShape(1, 8, 8);
        byte[] half = [.. Enumerable.Range(0, 64).Select(i => (byte)(i < 32 ? 0 : 90))];
        byte[] jpeg = Jpeg.Encode(half, shape, 95);
        byte[] orientation = [8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0];
        byte[] exif = [0xff, 0xe1, 0, 34, .. "Exif\0\0II*\0"u8, .. orientation];
        await File.WriteAllBytesAsync(photo, [.. jpeg[..2], .. exif, .. jpeg[2..]]);
        Write("turned/light/0.png", shape, 230);
        string[] data = ["--model", Model, "--data", _folder.File("turned"), "--count", "2"];
        string[] attack = ["attack", "--attack", "fgsm:eps=0.01", "--model", Model];
        const string Ignored = "note: turned: 1 of 2 pictures have a camera orientation, ignored as in torchvision";

        foreach (
            string[] verb in (string[][])
                [
                    ["attack", "--attack", "fgsm:eps=0.01"],
                    ["evaluate", "--attacks", "fgsm:eps=0.01", "--out", _folder.File("report")],
                    ["certify", "--samples", "10"],
                ]
        )
            Assert.Contains(Ignored, (await CommandLine.Run([.. verb, .. data])).Output, StringComparison.Ordinal);
        Assert.Contains(
            "note: photos: 1 of 1 pictures have a camera orientation, ignored",
            (await CommandLine.Run([.. attack, "--image", photo, "--out", _folder.File("a")])).Output,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "note: photos: 1 of 1 pictures were turned as their camera orientation says",
            (await CommandLine.Run([.. attack, "--image", photo, "--exif-rotate", "--out", _folder.File("b")])).Output,
            StringComparison.Ordinal
        );
        Assert.Equal([0, 90], SidesOf("a", left: false));
        Assert.Equal([90, 0], SidesOf("b", left: true));
    }

    [Fact]
    public async Task A_table_is_evaluated()
    {
        string table = _folder.File("labels.csv");
        string report = _folder.File("report");
        await File.WriteAllTextAsync(table, "file,label\nphotos/Light/0.png,LIGHT\nphotos/dark/1.png,0\n");

        var run = await CommandLine.Run(
            "evaluate",
            "--model",
            Model,
            "--data",
            table,
            "--attacks",
            "fgsm:eps=0.01",
            "--count",
            "2",
            "--out",
            report
        );

        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Contains("note: labels.csv: 2 of 2 pictures were resized", run.Output, StringComparison.Ordinal);
        Assert.Contains(
            "the first 2 test images of labels.csv",
            await File.ReadAllTextAsync(Path.Combine(report, "report.json")),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task What_is_no_data_is_told_in_one_line()
    {
        Task<CommandLine.Outcome> Attack(params string[] data) =>
            CommandLine.Run(["attack", "--model", Model, "--attack", "fgsm", .. data]);

        (await Attack("--data", "svhn")).Fails(2, "mnist, fashion-mnist, cifar10, celeba", ".csv");
        (await Attack("--data", _folder.File("nothing.csv"))).Fails(2, "nothing.csv");
        (await Attack("--data", Photos, "--attribute", "Male")).Fails(2, "expected no attribute", "celeba");
        (await Attack("--data", "celeba", "--attribute", "Mael")).Fails(2, "did you mean Male?");
        (await Attack("--data", "celeba", "--data-dir", _folder.Path)).Fails(
            2,
            "CelebA (test) was not found",
            "mmlab.ie.cuhk.edu.hk"
        );
        (await CommandLine.Run("train", "vae", "--data", Photos, "--out", _folder.File("vae.safetensors"))).Fails(
            2,
            "pictures of one size"
        );
    }

    [Fact]
    public async Task CelebA_is_listed_and_its_source_told()
    {
        Assert.Contains(
            "To get CelebA, read its terms at https://mmlab",
            (await CommandLine.Run("data", "list", "--data-dir", _folder.Path)).Output,
            StringComparison.Ordinal
        );
        (await CommandLine.Run("data", "fetch", "celeba")).Fails(
            2,
            "cannot be downloaded automatically",
            "img_align_celeba.zip"
        );
    }

    /// <summary>
    /// The first and last row, or column, of the photo in a strip, which is eight pixels a side and several times as
    /// large.
    /// </summary>
    private int[] SidesOf(string folder, bool left)
    {
        var (shape, planes) = ImageFile.Read(Path.Combine(_folder.File(folder), "strip.png"));
        int side = shape.Height;
        int last = side - 1;
        int[] values = left
            ? [planes[(side / 2) * shape.Width], planes[((side / 2) * shape.Width) + last]]
            : [planes[side / 2], planes[(last * shape.Width) + (side / 2)]];
        return Array.ConvertAll(values, value => (int)Math.Round(value / 10.0) * 10);
    }

    private void Write(string name, ImageShape shape, byte value)
    {
        string path = _folder.File(name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, Png.Encode([.. Enumerable.Repeat(value, shape.Pixels)], shape));
    }
}
