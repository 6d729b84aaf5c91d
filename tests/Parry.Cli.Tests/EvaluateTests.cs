using System.Text.Json;

namespace Parry.Cli.Tests;

[Collection(nameof(TrainedModels))]
public sealed class EvaluateTests(TrainedModels trained) : IDisposable
{
    private static readonly string[] s_files = ["index.html", "report.json", "report.md"];
    private static readonly string[] s_fewImages = ["--count", "12"];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_report_lies_in_three_forms_and_the_table_stands_on_standard_output()
    {
        var run = await Evaluate("fgsm:eps=0.1,0.3", "--defenses", trained.Defense);

        Assert.Equal(0, run.Code);
        Assert.Contains("index.html", run.Output, StringComparison.Ordinal);
        Assert.Contains("attacker unaware", run.Output, StringComparison.Ordinal);
        Assert.Contains("attacker knows it", run.Output, StringComparison.Ordinal);
        Assert.All(s_files, name => Assert.True(new FileInfo(_folder.File(name)).Length > 500, name));
        string page = await File.ReadAllTextAsync(_folder.File("index.html"));
        Assert.DoesNotContain("src=\"http", page, StringComparison.Ordinal);
        Assert.Contains("data:image/png;base64,", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_row_has_the_promised_fields_and_every_defense_both_attackers()
    {
        JsonElement[] rows =
        [
            .. (await Evaluate("fgsm:eps=0.1,0.3", "--defenses", trained.Defense, "--json"))
                .Json()
                .GetProperty("rows")
                .EnumerateArray(),
        ];

        string[] fields =
        [
            "model",
            "data",
            "attack",
            "norm",
            "epsilon",
            "defense",
            "threat",
            "count",
            "clean_accuracy",
            "robust_accuracy",
            "success_rate",
            "median_distance",
            "gradients",
            "queries",
            "seconds",
            "seed",
        ];
        Assert.All(rows, row => Assert.All(fields, field => Assert.True(row.TryGetProperty(field, out _), field)));
        Assert.Equal(2, rows.Count(row => row.GetProperty("threat").GetString() == "grey-box"));
        JsonElement[] aware = [.. rows.Where(row => row.GetProperty("threat").GetString() == "white-box")];
        Assert.Equal(
            [
                "fgsm",
                "fgsm",
                "on-manifold",
                "overpowered",
                "reconstruction-evasion",
                "reconstruction-evasion",
                "worst case",
                "worst case",
                "worst case",
            ],
            aware.Select(row => row.GetProperty("attack").GetString()).Order()
        );
        Assert.All(
            aware.Where(row => row.GetProperty("attack").GetString() == "fgsm"),
            row => Assert.True(row.GetProperty("gradients").GetDouble() > 0)
        );
    }

    [Fact]
    public async Task The_same_command_gives_the_same_numbers()
    {
        static string Numbers(JsonElement report) =>
            string.Join(
                '\n',
                report
                    .GetProperty("rows")
                    .EnumerateArray()
                    .Select(row =>
                        string.Join(
                            ' ',
                            row.EnumerateObject()
                                .Where(field => field.Name != "seconds")
                                .Select(field => field.Value.GetRawText())
                        )
                    )
            );
        string[] options = ["--defenses", trained.Defense, "--json", "--seed", "4"];
        Assert.Equal(
            Numbers((await Evaluate("pgd:steps=3", options)).Json()),
            Numbers((await Evaluate("pgd:steps=3", options)).Json())
        );
    }

    [Fact]
    public async Task Trained_classifiers_and_simple_purifiers_are_evaluated_as_defenses()
    {
        var run = await Evaluate(
            "fgsm:eps=0.1",
            "--json",
            "--defenses",
            $"adversarial-training:weights={trained.Classifier}",
            $"distillation:weights={trained.Classifier},temperature=10",
            "feature-squeezing",
            "bit-depth",
            "median:window=3",
            "jpeg:quality=50",
            "smoothing:draws=20,attack-draws=2"
        );
        Assert.Equal((0, ""), (run.Code, run.Error));
        JsonElement[] rows = [.. run.Json().GetProperty("rows").EnumerateArray()];
        string[] names =
        [
            "adversarial-training",
            "bit-depth",
            "distillation",
            "feature-squeezing",
            "jpeg",
            "median",
            "none",
            "smoothing",
        ];
        Assert.Equal(
            names,
            rows.Select(row => row.GetProperty("defense").GetString()).Distinct().Order(StringComparer.Ordinal)
        );
        Assert.Contains(
            rows,
            row =>
                row.GetProperty("attack").GetString() == "pgd on logits/T"
                && row.GetProperty("defense").GetString() == "distillation"
        );
        Assert.All(
            rows.Where(row => row.GetProperty("defense").GetString() == "feature-squeezing"),
            row => Assert.True(row.TryGetProperty("refused", out _))
        );
    }

    [Theory]
    [InlineData("adversarial-training", "weights")]
    [InlineData("distillation:temperature=10", "weights")]
    [InlineData("smoothing:sigma=0", "sigma")]
    [InlineData("bit-depth:bits=9", "bits")]
    [InlineData("median:window=5", "window")]
    [InlineData("feature-squeezing:rate=2", "rate")]
    public async Task Defenses_without_what_they_need_are_refused(string defense, string because)
    {
        var run = await Evaluate("fgsm:eps=0.1", "--defenses", defense);
        Assert.Equal(2, run.Code);
        Assert.Contains(because, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Images_crafted_on_a_substitute_are_named_after_it()
    {
        var run = await Evaluate("fgsm", "--from", trained.Classifier, "--json");
        Assert.Contains(
            run.Json().GetProperty("rows").EnumerateArray(),
            row => row.GetProperty("attack").GetString() == $"fgsm from {trained.Classifier}"
        );
    }

    [Fact]
    public async Task An_attack_that_learns_does_so_from_training_images_and_the_report_says_what_that_took()
    {
        string notes = (await Evaluate("uan:epochs=1,images=50", "--defenses", trained.Defense, "--json"))
            .Json()
            .GetProperty("notes")
            .GetRawText();
        Assert.Contains(
            "uan learned to attack the bare classifier from 50 images of mnist training on which it is not "
                + "evaluated, with 50 queries and 50 gradients",
            notes,
            StringComparison.Ordinal
        );
        Assert.Contains("uan learned to attack defense-gan, adaptive from 50 images", notes, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Images_crafted_on_an_ensemble_need_its_models()
    {
        Assert.Equal(0, (await Evaluate($"transfer:from={trained.Classifier}+{trained.Classifier},attack=fgsm")).Code);
        (await Evaluate("transfer")).Fails(2, "name them");
        (await Evaluate("transfer:from=mnist/zz")).Fails(2, "mnist/zz");
    }

    [Theory]
    [InlineData("fgsm:eps=-0.1", "eps")]
    [InlineData("fgsm:budget=1", "eps")]
    [InlineData("fsgm", "fgsm")]
    [InlineData("pgd:steps=0", "steps")]
    public async Task An_attack_that_is_not_valid_is_told_what_is(string attack, string told) =>
        (await Evaluate(attack)).Fails(2, told);

    [Fact]
    public async Task A_count_above_the_set_takes_all_and_names_both_numbers()
    {
        var run = await Evaluate("fgsm", "--count", "41");
        Assert.Equal(0, run.Code);
        Assert.Contains("has 40 images, fewer than 41: all are used", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_that_cannot_be_written_is_refused_before_the_work()
    {
        await File.WriteAllTextAsync(_folder.File("file"), "");
        var run = await CommandLine.Run([
            "evaluate",
            .. trained.Subject(),
            "--attacks",
            "fgsm",
            "--count",
            "4",
            "--out",
            _folder.File("file/out"),
        ]);
        run.Fails(2, "file");
    }

    [Fact]
    public async Task A_model_that_is_damaged_or_of_another_kind_is_refused()
    {
        byte[] weights = await File.ReadAllBytesAsync(trained.Classifier);
        string cut = _folder.File("cut.safetensors");
        await File.WriteAllBytesAsync(cut, weights[..^100]);
        (string Model, string Told)[] cases =
        [
            (cut, "cut.safetensors"),
            (trained.Generator, "defense-gan-generator"),
            ("mnist/z", "mnist/z"),
        ];
        foreach (var (model, told) in cases)
        {
            var run = await CommandLine.Run([
                "evaluate",
                .. trained.Subject(model),
                "--attacks",
                "fgsm",
                "--count",
                "4",
                "--out",
                _folder.Path,
            ]);
            run.Fails(2, told);
        }
    }

    private Task<CommandLine.Outcome> Evaluate(string attack, params string[] more) =>
        CommandLine.Run([
            "evaluate",
            .. trained.Subject(),
            "--attacks",
            attack,
            .. more.Contains("--count") ? [] : s_fewImages,
            "--out",
            _folder.Path,
            "--overwrite",
            .. more,
        ]);
}
