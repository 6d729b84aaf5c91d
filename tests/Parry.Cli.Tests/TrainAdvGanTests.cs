using Parry.Models.Files;

namespace Parry.Cli.Tests;

/// <summary>The training of AdvGAN's generator, and what it does in attacks and evaluations.</summary>
[Collection(nameof(TrainedModels))]
public sealed class TrainAdvGanTests(TrainedModels trained) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Weights => _folder.File("advgan.safetensors");

    private string Checkpoint => _folder.File("advgan.checkpoint.safetensors");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_generator_is_trained_and_attacks_as_it_is_but_learns_on_against_a_defense()
    {
        var run = await Train("--eps", "0.2", "--count", "16", "--epochs", "1", "--seed", "7");
        Assert.True(run.Code == 0, run.Error);
        Assert.False(File.Exists(Checkpoint));
        ModelDescription made = ModelFile.Describe(Weights);
        Assert.Equal(
            ("advgan", "mnist", "1x28x28", "epsilon=0.2", 7),
            (made.Architecture, made.Data, made.Shape.ToString(), made.Settings, made.Seed)
        );
        Assert.StartsWith("parry train advgan --data mnist", made.Command, StringComparison.Ordinal);
        Assert.Contains(
            "which are multiplied by the budget",
            (await CommandLine.Run("model", "inspect", Weights)).Output,
            StringComparison.Ordinal
        );

        string attack = $"advgan:weights={Weights},images=8,epochs=1";
        var attacked = await CommandLine.Run([
            "attack",
            .. trained.Subject(),
            "--attack",
            attack,
            "--count",
            "4",
            "--json",
        ]);
        Assert.Equal(
            (0.2, 0),
            (
                attacked.Json().GetProperty("rows")[0].GetProperty("epsilon").GetDouble(),
                attacked.Json().GetProperty("rows")[0].GetProperty("gradients").GetInt32()
            )
        );
        var evaluated = await CommandLine.Run([
            "evaluate",
            .. trained.Subject(),
            "--attacks",
            attack,
            "--defenses",
            "bit-depth",
            "--count",
            "4",
            "--out",
            _folder.Path,
        ]);
        Assert.Contains(
            "advgan was trained beforehand and attacks the bare classifier as it is",
            evaluated.Output,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "advgan learned to attack bit-depth, adaptive from 8 images",
            evaluated.Output,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task What_cannot_be_trained_or_gone_on_from_is_refused_in_one_line()
    {
        (await Train("--eps", "0")).Fails(2, "--eps");
        await File.WriteAllTextAsync(Checkpoint, "no checkpoint");
        (await Train()).Fails(2, "--resume");
        (await Train("--resume")).Fails(2, "cannot resume from", "start again");
        (
            await CommandLine.Run(["attack", .. trained.Subject(), "--attack", $"advgan:weights={trained.Generator}"])
        ).Fails(2, "expected advgan");
    }

    private Task<CommandLine.Outcome> Train(params string[] options) =>
        CommandLine.Run([
            "train",
            "advgan",
            "--data",
            "mnist",
            "--data-dir",
            trained.Data.Folder,
            "--model",
            trained.Classifier,
            "--out",
            Weights,
            .. options,
        ]);
}
