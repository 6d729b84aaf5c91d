using System.Text.Json;
using Parry.Data.Formats;
using static TorchSharp.torch;

namespace Parry.Cli.Tests;

/// <summary><c>mask=FILE</c>, the pixels that an attack may change.</summary>
[Collection(nameof(TrainedModels))]
public sealed class MaskTests(TrainedModels trained) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task An_attack_takes_a_mask_and_says_so()
    {
        string mask = Mask(28, 28, value: 1);
        string attack = $"pgd:eps=0.4,steps=5,mask={mask}";
        CommandLine.Outcome run = await CommandLine.Run([
            "attack",
            .. trained.Subject(),
            "--attack",
            attack,
            "--count",
            "4",
            "--json",
        ]);
        Assert.Equal(0, run.Code);
        Assert.Equal(attack, run.Json().GetProperty("rows")[0].GetProperty("attack").GetString());
    }

    [Fact]
    public async Task An_evaluation_names_the_mask_in_its_rows()
    {
        string attack = $"fgsm:mask={Mask(28, 28, value: 1)}";
        string[] words = ["--attacks", attack, "--count", "4", "--out", _folder.File("out")];
        CommandLine.Outcome run = await CommandLine.Run(["evaluate", .. trained.Subject(), .. words]);
        Assert.Equal(0, run.Code);
        using JsonDocument report = JsonDocument.Parse(await File.ReadAllTextAsync(_folder.File("out/report.json")));
        Assert.Contains(
            report.RootElement.GetProperty("rows").EnumerateArray(),
            row => row.GetProperty("attack").GetString() == attack
        );
    }

    [Fact]
    public async Task Masks_of_another_size_and_empty_ones_are_refused()
    {
        (await Attack("pgd", Mask(28, 27, value: 1))).Fails(2, "28x28", "28x27");
        (await Attack("pgd", Mask(28, 28, value: 0))).Fails(2, "got none of them");
        (await Attack("pgd", _folder.File("missing.png"))).Fails(2, "missing.png");
        (await Attack("uap", Mask(28, 28, value: 1))).Fails(2, "uap", "takes no mask");
    }

    private Task<CommandLine.Outcome> Attack(string name, string mask) =>
        CommandLine.Run(["attack", .. trained.Subject(), "--attack", $"{name}:mask={mask}", "--count", "2"]);

    private string Mask(int height, int width, double value)
    {
        string file = _folder.File("mask.npy");
        using Tensor pixels = full([height, width], value);
        NpyFile.Write(file, pixels);
        return file;
    }
}
