using System.Text.Json;
using Parry.Models.Architectures;
using Parry.Models.Files;
using static TorchSharp.torch;

namespace Parry.Cli.Tests;

/// <summary><c>parry transfer</c>.</summary>
[Collection(nameof(TrainedModels))]
public sealed class TransferTests(TrainedModels trained) : IDisposable
{
    private const string Attack = "mi-fgsm:eps=0.4,steps=3,di,ti,ti-size=3,si,si-copies=2";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Every_surrogate_meets_every_target_on_the_same_images()
    {
        string other = await Other();
        string both = $"{trained.Classifier}+{other}";
        CommandLine.Outcome run = await Transfer(
            [trained.Classifier, other, both],
            [trained.Classifier, other],
            "--json"
        );
        Assert.Equal((0, ""), (run.Code, run.Error));
        JsonElement report = run.Json();
        int count = report.GetProperty("count").GetInt32();
        Assert.InRange(count, 1, 12 - report.GetProperty("left_out").GetInt32());
        JsonElement[] cells = [.. report.GetProperty("cells").EnumerateArray()];
        Assert.Equal(
            [true, false, false, true, true, true],
            cells.Select(cell => cell.GetProperty("known").GetBoolean())
        );
        Assert.All(
            cells,
            cell =>
            {
                Assert.Equal(count, cell.GetProperty("attacked").GetInt32());
                double rate = cell.GetProperty("success_rate").GetDouble();
                Assert.Equal(cell.GetProperty("succeeded").GetInt32() / (double)count, rate, 1e-9);
                Assert.InRange(
                    rate,
                    cell.GetProperty("success_low").GetDouble(),
                    cell.GetProperty("success_high").GetDouble()
                );
            }
        );
        Assert.True(cells[0].GetProperty("succeeded").GetInt32() > 0);

        string table = (await Transfer([trained.Classifier], [other])).Output;
        Assert.Contains("95 % intervals", table, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Models_of_other_classes_and_attacks_that_learn_are_refused()
    {
        string three = _folder.File("three.safetensors");
        SaveWithThreeClasses(three);
        (await Transfer([trained.Classifier], [three])).Fails(2, "3 classes", "10 classes");
        (await Transfer([three], [trained.Classifier])).Fails(2, "3 classes");
        (await Transfer([], [trained.Classifier])).Fails(2, "--from");
        (await Transfer(["nothing"], [trained.Classifier])).Fails(2, "nothing");
        (
            await CommandLine.Run([
                .. Words([trained.Classifier], [trained.Classifier]),
                "--attack",
                $"transfer:from={trained.Classifier}",
            ])
        ).Fails(2, "does not learn");
    }

    private async Task<string> Other()
    {
        string file = _folder.File("other.safetensors");
        string[] data = ["--data", "mnist", "--data-dir", trained.Data.Folder];
        string[] words =
        [
            "train",
            "classifier",
            .. data,
            "--net",
            "e",
            "--epochs",
            "3",
            "--batch",
            "16",
            "--seed",
            "2",
        ];
        CommandLine.Outcome run = await CommandLine.Run([.. words, "--out", file]);
        Assert.Equal((0, ""), (run.Code, run.Error));
        return file;
    }

    private Task<CommandLine.Outcome> Transfer(string[] from, string[] to, params string[] more) =>
        CommandLine.Run([.. Words(from, to), "--attack", Attack, .. more]);

    private string[] Words(string[] from, string[] to)
    {
        string[] surrogates = from.Length == 0 ? [] : ["--from", .. from];
        string[] data = ["--data", "mnist", "--data-dir", trained.Data.Folder, "--count", "12"];
        return ["transfer", .. surrogates, "--to", .. to, .. data];
    }

    private static void SaveWithThreeClasses(string file)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        var shape = new ImageShape(1, 28, 28);
        using nn.Module<Tensor, Tensor> network = Classifiers.Create("e", shape, 3, random);
        var description = new ModelDescription
        {
            Architecture = "classifier-e",
            Data = "",
            Shape = shape,
            ClassNames = ["0", "1", "2"],
        };
        ModelFile.Save(file, network, description);
    }
}
