namespace Parry.Cli.Tests;

/// <summary>The small data set, and a classifier and a generator barely trained on it: once for all tests.</summary>
public sealed class TrainedModels : IAsyncLifetime, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    internal SmallMnist Data { get; } = new();

    public string Classifier => _folder.File("mnist-e.safetensors");

    public string Generator => _folder.File("mnist-gan.safetensors");

    public string Defense => $"defense-gan:gan={Generator},l=4,r=2,attack-l=2,attack-r=1";

    /// <summary>The options that name a model, the classifier if none is given, and the data set.</summary>
    public string[] Subject(string? model = null) =>
        ["--model", model ?? Classifier, "--data", "mnist", "--data-dir", Data.Folder];

    public async Task InitializeAsync()
    {
        await Train("classifier", "--net", "e", "--epochs", "3", "--batch", "16", "--out", Classifier);
        await Train(
            "gan",
            "--width",
            "4",
            "--latent",
            "8",
            "--iterations",
            "2",
            "--batch",
            "16",
            "--threads",
            "1",
            "--out",
            Generator
        );
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose()
    {
        _folder.Dispose();
        Data.Dispose();
    }

    private async Task Train(string kind, params string[] options)
    {
        var run = await CommandLine.Run(["train", kind, "--data", "mnist", "--data-dir", Data.Folder, .. options]);
        Assert.True(run.Code == 0, run.Error);
    }
}

[CollectionDefinition(nameof(TrainedModels))]
public sealed class TrainedModelsCollection : ICollectionFixture<TrainedModels>;
