using System.Diagnostics;
using Parry.Models.Files;

namespace Parry.Cli.Tests;

[Collection(nameof(TrainedModels))]
public sealed class TrainGanTests(TrainedModels trained) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Weights => _folder.File("g.safetensors");

    private string Checkpoint => _folder.File("g.checkpoint.safetensors");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_resumed_training_gives_the_same_file_as_an_unbroken_one()
    {
        byte[] straight = await Straight(4);

        Assert.Equal(0, (await Train("--iterations", "2")).Code);
        Assert.Equal(0, (await Train("--iterations", "4", "--resume")).Code);

        Assert.Equal(straight, await File.ReadAllBytesAsync(Weights));
    }

    [Theory]
    [InlineData("INT", 130)]
    [InlineData("KILL", 137)]
    public async Task A_training_that_was_stopped_goes_on(string signal, int code)
    {
        const string Iterations = "60";
        byte[] straight = await Straight(int.Parse(Iterations));

        using Process process = CommandLine.Start(
            CommandLine.ProgramFolder,
            null,
            Args("--iterations", Iterations, "--checkpoint-every", "1")
        );
        while (!File.Exists(Checkpoint) && !process.HasExited)
            await Task.Delay(5);
        using (Process kill = Process.Start("kill", [$"-{signal}", $"{process.Id}"]))
            await kill.WaitForExitAsync();
        var stopped = await process.Wait();

        Assert.Equal((code, ""), (stopped.Code, stopped.Output));
        if (signal == "INT")
            stopped.Fails(130, $"of {Iterations}", "--resume");
        Assert.False(File.Exists(Weights));
        Assert.Equal(0, (await Train("--iterations", Iterations, "--checkpoint-every", "1", "--resume")).Code);
        Assert.Equal(Tensors(straight), Tensors(await File.ReadAllBytesAsync(Weights)));
    }

    [Fact]
    public async Task Weights_say_what_they_are_and_samples_lie_beside_them()
    {
        var train = await Train("--iterations", "1");

        Assert.Equal((0, ""), (train.Code, train.Error));
        Assert.Contains(Weights, train.Output, StringComparison.Ordinal);
        Assert.Equal(
            [0x89, (byte)'P', (byte)'N', (byte)'G'],
            (await File.ReadAllBytesAsync(_folder.File("g.samples.png")))[..4]
        );
        var metadata = (await CommandLine.Run("model", "inspect", Weights, "--json")).Json().GetProperty("metadata");
        Assert.Equal("defense-gan-generator", metadata.GetProperty("parry.architecture").GetString());
        Assert.Equal(
            "parry " + string.Join(' ', Args("--iterations", "1")),
            metadata.GetProperty("parry.command").GetString()
        );
    }

    [Fact]
    public async Task The_learning_rate_may_change_at_a_checkpoint_and_the_weights_name_every_command()
    {
        Assert.Equal(0, (await Train("--iterations", "2")).Code);
        Assert.Equal(0, (await Train("--iterations", "3", "--learning-rate", "1e-5", "--resume")).Code);
        string[] commands = ModelFile.Describe(_folder.File("g.safetensors")).Command!.Split(" && ");
        Assert.Equal(2, commands.Length);
        Assert.EndsWith(
            "--critic-steps 2 --learning-rate 0.0001 --iterations 2",
            commands[0],
            StringComparison.Ordinal
        );
        Assert.EndsWith(
            "--critic-steps 2 --learning-rate 1E-05 --iterations 3 --resume",
            commands[1],
            StringComparison.Ordinal
        );
        byte[] made = await File.ReadAllBytesAsync(_folder.File("g.safetensors"));

        foreach (string file in Directory.GetFiles(_folder.Path))
            File.Delete(file);
        foreach (string command in commands)
            Assert.Equal(0, (await CommandLine.Run([.. command.Split(' ').Skip(1)])).Code);
        Assert.Equal(made, await File.ReadAllBytesAsync(_folder.File("g.safetensors")));
    }

    [Fact]
    public async Task A_checkpoint_is_neither_overwritten_nor_ignored()
    {
        await Train("--iterations", "1");

        (await Train("--iterations", "2")).Fails(2, Checkpoint, "--resume");
        (await Train("--iterations", "2", "--resume", "--seed", "9")).Fails(2, "checkpoint", "Seed = 9");
        await File.WriteAllTextAsync(Checkpoint, "no checkpoint");
        (await Train("--iterations", "2", "--resume")).Fails(2, Checkpoint, "Remove it");
    }

    [Fact]
    public async Task An_unwritable_place_is_found_before_the_training()
    {
        string blocked = Path.Combine(trained.Data.FileOf("t10k-labels-idx1-ubyte"), "g.safetensors");

        (
            await CommandLine.Run(
                "train",
                "gan",
                "--data",
                "mnist",
                "--data-dir",
                trained.Data.Folder,
                "--out",
                blocked
            )
        ).Fails(2, blocked[..^"g.safetensors".Length].TrimEnd('/'));
    }

    [Fact]
    public async Task More_images_a_batch_than_there_are_is_refused() =>
        (
            await CommandLine.Run(
                "train",
                "gan",
                "--data",
                "mnist",
                "--data-dir",
                trained.Data.Folder,
                "--out",
                Weights,
                "--batch",
                "65"
            )
        ).Fails(2, "--batch", "64", "65");

    [Fact]
    public async Task Truncated_data_is_refused()
    {
        string images = _folder.File("train-images-idx3-ubyte");
        await File.WriteAllBytesAsync(
            images,
            (await File.ReadAllBytesAsync(trained.Data.FileOf("train-images-idx3-ubyte")))[..^1]
        );
        File.Copy(trained.Data.FileOf("train-labels-idx1-ubyte"), _folder.File("train-labels-idx1-ubyte"));

        (await CommandLine.Run("train", "gan", "--data", "mnist", "--data-dir", _folder.Path, "--out", Weights)).Fails(
            2,
            images
        );
    }

    private async Task<byte[]> Straight(int iterations)
    {
        Assert.Equal(0, (await Train("--iterations", $"{iterations}")).Code);
        byte[] weights = await File.ReadAllBytesAsync(Weights);
        File.Delete(Weights);
        File.Delete(Checkpoint);
        return weights;
    }

    private Task<CommandLine.Outcome> Train(params string[] options) => CommandLine.Run(Args(options));

    private string[] Args(params string[] options) =>
        [
            "train",
            "gan",
            "--data",
            "mnist",
            "--data-dir",
            trained.Data.Folder,
            "--out",
            Weights,
            "--width",
            "4",
            "--latent",
            "8",
            "--batch",
            "16",
            "--critic-steps",
            "2",
            "--threads",
            "1",
            .. options,
        ];

    // The header holds the command, which may differ.
    private static byte[] Tensors(byte[] file) => file[(8 + (int)BitConverter.ToInt64(file))..];
}
