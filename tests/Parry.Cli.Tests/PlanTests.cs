using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Parry.Cli.Evaluating;
using Parry.Cli.Verbs;

namespace Parry.Cli.Tests;

/// <summary>Plans in files, in shards, stopped and merged.</summary>
[Collection(nameof(TrainedModels))]
public sealed class PlanTests(TrainedModels trained) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Shards_merged_give_what_one_run_gives()
    {
        string plan = await Plan("fgsm:eps=0.3", "pgd:eps=0.3,steps=3");
        Assert.Equal(0, (await Run(plan, _folder.File("whole"))).Code);
        string shards = _folder.File("shards");
        Assert.Equal(0, (await Run(plan, shards, "--shard", "2/2")).Code);

        (await Merge(shards)).Fails(1, "not complete", "clean images, images 0 to 99", "--partial");
        Assert.False(File.Exists(Path.Combine(shards, "report.json")));

        Assert.Equal(0, (await Run(plan, shards, "--shard", "1/2")).Code);
        Assert.Equal(0, (await Merge(shards)).Code);
        Assert.Equal(Rows(_folder.File("whole")), Rows(shards));
        Assert.Equal(Records(_folder.File("whole")), Records(shards));
    }

    [Fact]
    public void The_published_schema_is_that_of_the_options()
    {
        string file = Path.Combine(ReadMeTests.Root(), "docs", "plan.schema.json");
        string schema = EvaluateVerb.PlanSchema() + "\n";
        if (Environment.GetEnvironmentVariable("PARRY_UPDATE_DOCS") == "1")
            File.WriteAllText(file, schema);
        Assert.Equal(schema, File.ReadAllText(file));
    }

    [Fact]
    public async Task Records_of_no_part_of_the_plan_are_named()
    {
        string plan = await Plan("fgsm:eps=0.3");
        string results = _folder.File("results");
        Assert.Equal(0, (await Run(plan, results)).Code);
        string foreign = Path.Combine(results, "cells", "another-0123456789ab");
        Directory.CreateDirectory(foreign);
        await File.WriteAllTextAsync(Path.Combine(foreign, "000000.jsonl"), "{}");

        CommandLine.Outcome merged = await Merge(results);
        Assert.Equal(0, merged.Code);
        Assert.Contains("another-0123456789ab/000000.jsonl", merged.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_job_array_has_a_time_limit_that_was_measured_and_a_merge_after_any_end()
    {
        string plan = await Plan("fgsm:eps=0.3");
        CommandLine.Outcome printed = await Run(plan, _folder.File("results"), "--print-sbatch", "6");
        Assert.Equal((0, ""), (printed.Code, printed.Error));
        Assert.StartsWith("#!/bin/bash\n", printed.Output, StringComparison.Ordinal);
        Assert.Contains("#SBATCH --array=0-5", printed.Output, StringComparison.Ordinal);
        Assert.Matches(@"#SBATCH --time=00:\d\d:00", printed.Output);
        Assert.Contains("--dependency=afterany", printed.Output, StringComparison.Ordinal);
        Assert.Contains($"parry run {plan} --out", printed.Output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder.File("results")));
    }

    [Fact]
    public async Task Attacks_that_learn_do_so_before_the_shards()
    {
        string plan = await Plan("substitute:rounds=1,epochs=1,images=10");
        string results = _folder.File("results");
        CommandLine.Outcome printed = await Run(plan, results, "--print-sbatch", "6");
        Assert.Contains($"parry run {plan} --out {results} --prepare", printed.Output, StringComparison.Ordinal);
        Assert.Contains(
            "#   job=$(sbatch --parsable --dependency=afterany:$first",
            printed.Output,
            StringComparison.Ordinal
        );

        CommandLine.Outcome prepared = await Run(plan, results, "--prepare");
        Assert.Equal((0, ""), (prepared.Code, prepared.Error));
        Assert.Contains("for all shards", prepared.Output, StringComparison.Ordinal);
        Assert.NotEmpty(Directory.GetFiles(Path.Combine(results, "learned"), "substitute-*.safetensors"));
        Assert.False(Directory.Exists(Path.Combine(results, "cells")));
        Assert.Equal(0, (await Run(plan, results)).Code);
    }

    [Fact]
    public async Task An_attack_that_cannot_learn_fails_a_preparation_and_a_shard()
    {
        string damaged = _folder.File("damaged.safetensors");
        byte[] weights = await File.ReadAllBytesAsync(trained.Classifier);
        await File.WriteAllBytesAsync(damaged, weights[..^100]);
        string plan = await Plan($"transfer:from={damaged}");
        string results = _folder.File("results");
        foreach (string[] part in new[] { ["--prepare"], new[] { "--shard", "1/2" } })
        {
            CommandLine.Outcome run = await Run(plan, results, part);
            Assert.True(run.Code == 1, run.Error);
            Assert.Empty(run.Output);
            Assert.Contains("transfer failed on the bare classifier", run.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task An_indexed_job_tells_each_pod_how_many_there_are()
    {
        string plan = await Plan("fgsm:eps=0.3");
        CommandLine.Outcome printed = await Run(plan, _folder.File("results"), "--print-k8s", "6");
        Assert.Equal(0, printed.Code);
        Assert.Contains("completionMode: Indexed", printed.Output, StringComparison.Ordinal);
        Assert.Contains("completions: 6", printed.Output, StringComparison.Ordinal);
        Assert.Matches(@"name: PARRY_SHARDS\n\s+value: ""6""", printed.Output);
    }

    [Fact]
    public async Task A_report_of_shards_that_are_missing_says_so()
    {
        string plan = await Plan("fgsm:eps=0.3");
        string shards = _folder.File("shards");
        Assert.Equal(0, (await Run(plan, shards, "--shard", "1/2")).Code);
        Assert.Equal(1, (await Merge(shards, "--partial")).Code);
        foreach (string page in new[] { "index.html", "report.md", "report.json" })
            Assert.Contains(
                "incomplete",
                await File.ReadAllTextAsync(Path.Combine(shards, page)),
                StringComparison.Ordinal
            );
    }

    [Theory]
    [InlineData("TERM")]
    [InlineData("USR1")]
    public async Task A_scheduler_s_signal_ends_a_run_that_goes_on_later(string signal)
    {
        string plan = await Plan("fgsm:eps=0.3", "pgd:eps=0.3,steps=4000");
        string results = _folder.File("results");
        using Process process = CommandLine.Start(
            CommandLine.ProgramFolder,
            null,
            ["run", plan, "--out", results, .. DataDir]
        );
        while (!process.HasExited && Files(results, "fgsm*") < 2)
            await Task.Delay(20);
        using (Process kill = Process.Start("kill", [$"-{signal}", $"{process.Id}"]))
            await kill.WaitForExitAsync();
        var paused = await process.Wait();
        Assert.Equal(75, paused.Code);
        Assert.Contains("goes on from here", paused.Error, StringComparison.Ordinal);

        // What was at work is finished before the run ends.
        Assert.Equal(1, Files(results, "pgd*"));
    }

    [Fact]
    public async Task A_plan_that_is_printed_is_the_plan_that_is_run()
    {
        string plan = await Plan("fgsm:eps=0.1,0.3");
        (EvaluateRequest request, string text) = Verbs.EvaluateVerb.Read(plan);
        Assert.Equal(["fgsm:eps=0.1,0.3"], request.Attacks);
        Assert.Equal(200, request.Count);
        Assert.Equal(7, request.Seed);
        Assert.Equal(text + "\n", await File.ReadAllTextAsync(plan));
    }

    [Theory]
    [InlineData("[", "is not JSON")]
    [InlineData("[]", "expected a JSON object")]
    [InlineData("""{"atacks":["fgsm"]}""", "did you mean attacks?")]
    [InlineData("""{"count":"many"}""", "expected count to be a number")]
    [InlineData("""{"attacks":"fgsm"}""", "expected attacks to be a list of strings")]
    [InlineData("""{"revisited":1}""", "expected revisited to be true or false")]
    [InlineData("""{"model":"m.onnx","data":"mnist","attacks":["fgsm"],"count":0}""", "count")]
    [InlineData("""{"data":"mnist","attacks":["fgsm"]}""", "--model")]
    [InlineData("""{"count":1,"count":2}""", "is not JSON")]
    public async Task A_plan_that_is_wrong_is_one_line_before_any_work(string text, string said)
    {
        string plan = _folder.File("plan.json");
        await File.WriteAllTextAsync(plan, text);
        (await CommandLine.Run("run", plan, "--out", _folder.File("results"))).Fails(2, "plan.json", said);
        Assert.False(Directory.Exists(_folder.File("results")));
    }

    [Fact]
    public async Task Merging_a_folder_without_a_plan_is_refused() =>
        (await CommandLine.Run("merge", _folder.Path)).Fails(2, "expected a folder in which a plan was run");

    private string[] DataDir => ["--data-dir", trained.Data.Folder];

    private Task<CommandLine.Outcome> Run(string plan, string results, params string[] more) =>
        CommandLine.Run(["run", plan, "--out", results, .. DataDir, .. more]);

    private Task<CommandLine.Outcome> Merge(string results, params string[] more) =>
        CommandLine.Run(["merge", results, .. DataDir, .. more]);

    private async Task<string> Plan(params string[] attacks)
    {
        var printed = await CommandLine.Run([
            "evaluate",
            .. trained.Subject(),
            "--validation",
            "--count",
            "200",
            "--seed",
            "7",
            "--print-plan",
            "--attacks",
            .. attacks,
        ]);
        Assert.Equal((0, ""), (printed.Code, printed.Error));
        string plan = _folder.File("plan.json");
        await File.WriteAllTextAsync(plan, printed.Output);
        return plan;
    }

    private static int Files(string results, string cell) =>
        Directory.Exists(Path.Combine(results, "cells"))
            ? Directory
                .GetDirectories(Path.Combine(results, "cells"), cell)
                .Sum(each => Directory.GetFiles(each, "0*").Length)
            : 0;

    private static string[] Rows(string results)
    {
        using var report = JsonDocument.Parse(File.ReadAllText(Path.Combine(results, "report.json")));
        return
        [
            .. report
                .RootElement.GetProperty("rows")
                .EnumerateArray()
                .Select(row =>
                    string.Join(
                        ' ',
                        row.EnumerateObject().Where(entry => entry.Name != "seconds").Select(entry => $"{entry}")
                    )
                ),
        ];
    }

    private static string[] Records(string results) =>
        [
            .. Directory
                .GetFiles(Path.Combine(results, "cells"), "*", SearchOption.AllDirectories)
                .Order(StringComparer.Ordinal)
                .SelectMany(file =>
                    File.ReadLines(file).Where(line => line.Contains("\"sample\"", StringComparison.Ordinal))
                ),
        ];
}
