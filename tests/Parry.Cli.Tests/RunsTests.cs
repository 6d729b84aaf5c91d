using System.Diagnostics;
using System.Text.Json;
using Parry.Data.Formats;

namespace Parry.Cli.Tests;

/// <summary>Runs that fail, are stopped or meet the files of other runs: nothing that is finished is lost.</summary>
[Collection(nameof(TrainedModels))]
public sealed class RunsTests(TrainedModels trained) : IDisposable
{
    private const string Endless = "pgd:steps=100000000";
    private static readonly TimeSpan s_untilAtWork = TimeSpan.FromSeconds(8);

    // Two seconds, and what a busy machine takes to start and end processes.
    private static readonly TimeSpan s_inTime = TimeSpan.FromSeconds(5);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task An_option_that_does_not_fit_the_model_is_refused_before_any_attack_runs()
    {
        (await Attack(["fgsm:eps=0.1", "lavan:top=27"])).Fails(2, "lavan", "rows 0 to 25");
        (await Attack(["fgsm:eps=0.1", "pgd:target=10"])).Fails(2, "0 to 9");
        (await Attack(["fgsm:eps=0.1", "transfer"])).Fails(2, "transfer:from=");
        (await Evaluate("fgsm:eps=0.1", "rp2:top=20,height=10")).Fails(2, "rp2", "leaves an image of 28 by 28");
        Assert.Empty(Directory.GetFiles(_folder.File("report")));
    }

    [Theory]
    [InlineData("fgsm:eps=8", "did you mean 8/255?")]
    [InlineData("pgd:norm=l2,eps=128", "eps=128: did you mean 128/255?")]
    [InlineData("fgsm:eps=1e9", "from 0 to 1")]
    public async Task A_budget_beyond_the_box_is_refused_with_what_was_probably_meant(string attack, string words) =>
        (await Attack([attack])).Fails(2, words);

    [Fact]
    public async Task An_attack_that_fails_leaves_the_rows_of_the_others()
    {
        string damaged = _folder.File("damaged.safetensors");
        byte[] weights = await File.ReadAllBytesAsync(trained.Classifier);
        await File.WriteAllBytesAsync(damaged, weights[..^100]);
        var attack = await Attack([$"transfer:from={damaged}", "fgsm:eps=0.1"], "--json");
        Assert.Equal(1, attack.Code);
        Assert.Matches(@"\Aparry: transfer:[^\n]+ failed: [^\n]+\n\z", attack.Error);
        using JsonDocument report = JsonDocument.Parse(attack.Output);
        Assert.StartsWith(
            "fgsm",
            report.RootElement.GetProperty("rows").EnumerateArray().Single().GetProperty("attack").GetString(),
            StringComparison.Ordinal
        );
        Assert.Contains("failed", report.RootElement.GetProperty("failure").GetString(), StringComparison.Ordinal);

        var evaluation = await Evaluate($"transfer:from={damaged}", "fgsm:eps=0.1");
        Assert.Equal(1, evaluation.Code);
        Assert.Contains("upper bound", evaluation.Output, StringComparison.Ordinal);
        Assert.Contains("fgsm", evaluation.Output, StringComparison.Ordinal);
        Assert.True(File.Exists(_folder.File("report/index.html")));
    }

    [Fact]
    public async Task Pictures_that_cannot_be_written_cost_no_rows()
    {
        string images = _folder.File("images");
        Directory.CreateDirectory(images);
        await File.WriteAllTextAsync(Path.Combine(images, "fgsm-0.3"), "in the way");
        var run = await Attack(["fgsm:eps=0.3", "fgsm:eps=0.2"], "--out", images);
        Assert.Equal(1, run.Code);
        Assert.Contains("linf 0.3", run.Output, StringComparison.Ordinal);
        Assert.Contains("linf 0.2", run.Output, StringComparison.Ordinal);
        Assert.Contains("fgsm-0.3", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_holds_one_run_and_overwrite_deletes_only_what_that_run_wrote()
    {
        string images = _folder.File("images");
        Assert.Equal(0, (await Attack(["fgsm:eps=0.3"], "--out", images)).Code);
        string mine = Path.Combine(images, "fgsm-0.3", "mine.txt");
        await File.WriteAllTextAsync(mine, "kept");
        string[] before = Directory.GetFiles(images, "*", SearchOption.AllDirectories);
        Assert.Contains(before, file => file.EndsWith(".png", StringComparison.Ordinal));

        (await Attack(["fgsm:eps=0.2"], "--out", images)).Fails(2, "another run", "--overwrite");
        (await Attack(["lavan:top=27"], "--out", images, "--overwrite")).Fails(2, "lavan");
        Assert.Equal(before, Directory.GetFiles(images, "*", SearchOption.AllDirectories));

        Assert.Equal(0, (await Attack(["fgsm:eps=0.2"], "--out", images, "--overwrite")).Code);
        Assert.Equal([mine], Directory.GetFiles(Path.Combine(images, "fgsm-0.3")));
        Assert.NotEmpty(Directory.GetFiles(Path.Combine(images, "fgsm-0.2")));
    }

    [Fact]
    public async Task A_report_is_not_written_over_another_one_or_over_files_that_no_run_listed()
    {
        Assert.Equal(0, (await Evaluate("fgsm:eps=0.1")).Code);
        (await Evaluate("fgsm:eps=0.2")).Fails(2, "another plan", "attack fgsm was fgsm:eps=0.1", "--fresh");
        File.Delete(_folder.File("report/.parry-files"));
        (await Evaluate("fgsm:eps=0.2")).Fails(2, "index.html");
    }

    [Fact]
    public async Task A_list_of_files_cannot_lead_out_of_the_folder()
    {
        string images = _folder.File("images");
        Assert.Equal(0, (await Attack(["fgsm:eps=0.3"], "--out", images)).Code);
        string outside = _folder.File("outside.txt");
        await File.WriteAllTextAsync(outside, "kept");
        Directory.CreateSymbolicLink(Path.Combine(images, "link"), _folder.Path);
        await File.AppendAllLinesAsync(
            Path.Combine(images, ".parry-files"),
            ["../outside.txt", outside, "link/outside.txt"]
        );
        Assert.Equal(0, (await Attack(["fgsm:eps=0.2"], "--out", images, "--overwrite")).Code);
        Assert.True(File.Exists(outside));
    }

    [Fact]
    public async Task A_list_of_files_that_is_a_pipe_is_not_waited_for()
    {
        string images = _folder.File("images");
        Directory.CreateDirectory(images);
        using (Process pipe = Process.Start("mkfifo", [Path.Combine(images, ".parry-files")]))
            await pipe.WaitForExitAsync();
        Task<CommandLine.Outcome> run = Task.Run(() => Attack(["fgsm:eps=0.3"], "--out", images));
        (await run.WaitAsync(TimeSpan.FromMinutes(1))).Fails(2, ".parry-files", "got a pipe");
    }

    [Fact]
    public async Task A_count_above_the_size_of_the_set_takes_all_images_with_a_note()
    {
        var run = await CommandLine.Run(["attack", .. Subject[..^1], "1000", "--attack", "fgsm"]);
        Assert.Equal(0, run.Code);
        Assert.Contains("/40)", run.Output, StringComparison.Ordinal);
        Assert.Contains("has 40 images, fewer than 1000: all are used", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pictures_are_named_by_what_the_model_predicts_of_them_and_arrays_lose_nothing()
    {
        string images = _folder.File("images");
        var run = await Attack(["pgd:eps=0.3,norm=linf,steps=5"], "--out", images, "--lossless", "--json");
        int succeeded = run.Json().GetProperty("rows")[0].GetProperty("succeeded").GetInt32();
        string folder = Path.Combine(images, "pgd-0.3");
        string[] pictures = Directory.GetFiles(folder, "*.png");
        string[] arrays = Directory.GetFiles(folder, "*.npy");
        Assert.InRange(succeeded, 1, 20);
        Assert.Equal(succeeded, pictures.Length);
        Assert.Equal(succeeded, arrays.Length);
        Assert.All(arrays, file => Assert.Equal([1, 28, 28], NpyFile.Read(file).Shape));
    }

    [Theory]
    [InlineData("INT")]
    [InlineData("HUP")]
    [InlineData("TERM")]
    public async Task A_run_that_is_stopped_shows_and_keeps_what_is_finished(string signal)
    {
        string images = _folder.File("images");
        using Process process = CommandLine.Start(
            CommandLine.ProgramFolder,
            null,
            Arguments(["fgsm:eps=0.5", Endless], "--out", images)
        );
        while (!process.HasExited && !Directory.Exists(Path.Combine(images, "fgsm-0.5")))
            await Task.Delay(20);
        using (Process kill = Process.Start("kill", [$"-{signal}", $"{process.Id}"]))
            await kill.WaitForExitAsync();
        var stopped = await process.Wait();
        Assert.Equal(130, stopped.Code);
        Assert.Contains("fgsm", stopped.Output, StringComparison.Ordinal);
        Assert.Contains("stopping", stopped.Error, StringComparison.Ordinal);
        Assert.NotEmpty(Directory.GetFiles(Path.Combine(images, "fgsm-0.5"), "*.png"));
    }

    [Fact]
    public async Task An_evaluation_that_is_stopped_ends_in_time_and_reports_what_is_finished()
    {
        using Process process = CommandLine.Start(
            CommandLine.ProgramFolder,
            null,
            ["evaluate", .. Subject, "--out", _folder.File("report"), "--attacks", "fgsm:eps=0.5", Endless]
        );
        await IsAtWork(process);
        var watch = Stopwatch.StartNew();
        await Interrupt(process);
        var stopped = await process.Wait();
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, s_inTime);
        Assert.Equal(130, stopped.Code);
        Assert.Contains("fgsm", stopped.Output, StringComparison.Ordinal);
        Assert.Contains("stopping", stopped.Error, StringComparison.Ordinal);
        Assert.True(File.Exists(_folder.File("report/index.html")));
    }

    // The program does not say when an attack begins: processor time tells, on a busy machine too.
    private static async Task IsAtWork(Process process)
    {
        while (!process.HasExited && process.TotalProcessorTime < s_untilAtWork)
        {
            await Task.Delay(20);
            process.Refresh();
        }
    }

    private static async Task Interrupt(Process process)
    {
        using Process kill = Process.Start("kill", ["-INT", $"{process.Id}"]);
        await kill.WaitForExitAsync();
    }

    private Task<CommandLine.Outcome> Attack(string[] attacks, params string[] options) =>
        CommandLine.Run(Arguments(attacks, options));

    private string[] Arguments(string[] attacks, params string[] options) =>
        ["attack", .. Subject, "--attack", .. attacks, .. options];

    private Task<CommandLine.Outcome> Evaluate(params string[] attacks) =>
        CommandLine.Run(["evaluate", .. Subject, "--out", _folder.File("report"), "--attacks", .. attacks]);

    private string[] Subject => [.. trained.Subject(), "--count", "20"];
}
