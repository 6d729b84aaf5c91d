using System.CommandLine;
using Parry.Cli.Reproducing;
using Parry.Evaluation;
using Parry.Reports;

namespace Parry.Cli.Tests;

/// <summary>The experiments that ship, and <c>parry reproduce</c>.</summary>
public sealed class ReproduceTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_tables_hold_every_number_that_the_documents_print() =>
        Assert.Equal(
            378,
            Experiments.All.Values.Where(table => table.InDocuments).Sum(table => NumberReader.Cells(table).Count())
        );

    [Fact]
    public void Every_row_of_a_document_has_a_number_or_a_dash_for_each_column()
    {
        foreach (Experiment table in Experiments.All.Values)
            Assert.All(
                table.Rows.Where(row => row.Published.Length > 0),
                row => Assert.Equal(table.Columns.Count(column => !column.Extra), row.Published.Split(' ').Length)
            );
    }

    [Fact]
    public void A_row_that_is_not_in_the_document_has_ours_and_prints_nothing()
    {
        Experiment table = Experiments.ByName("robust-manifold");
        ExperimentRow row = table.Rows.Single(row => row.Published.Length == 0);
        Assert.Equal(table.Columns.Count, NumberReader.AllCells(table).Count(cell => cell.Row == row));
        Assert.DoesNotContain(NumberReader.Cells(table), cell => cell.Row == row);
    }

    [Fact]
    public void Every_number_has_ours_or_a_reason_why_not()
    {
        foreach (Experiment table in Experiments.All.Values)
            Assert.All(
                NumberReader.Cells(table),
                cell =>
                    Assert.True(
                        (cell.Row.Missing ?? cell.Column.NotComparable ?? "") != "" || cell.Column.Ours is not null
                    )
            );
    }

    [Theory]
    [InlineData("fast")]
    [InlineData("full")]
    public void Every_command_is_one_that_a_user_can_type(string mode)
    {
        CommandBook book = Book(mode);
        IReadOnlyList<string> needed = book.Needed(
            Experiments.All.Values.SelectMany(experiment => Experiments.Targets(experiment, book.Settings))
        );
        Assert.True(needed.Count > 100);
        foreach (string target in needed)
        {
            ParseResult parsed = ParryCommand.Create().Parse([.. book.WordsFor(target)]);
            Assert.True(parsed.Errors.Count == 0, $"{book.Text(target)}: {string.Join(", ", parsed.Errors)}");
            Assert.DoesNotContain("{", book.Text(target), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("advgan-t2", "runs/advgan-wideresnet-34-10", "runs/advgan-resnet32")]
    [InlineData("advgan-t3", "runs/advgan-cifar10-resnet32-iter", "runs/advgan-carlini-iter")]
    public void What_only_a_GPU_makes_is_left_out_without_one(string name, string onGpu, string anywhere)
    {
        Experiment table = Experiments.ByName(name);
        var settings = Book("fast").Settings;
        Assert.Contains(onGpu, Experiments.Targets(table, settings));
        string[] without = [.. Experiments.Targets(table, settings, gpu: false)];
        Assert.DoesNotContain(onGpu, without);
        Assert.Contains(anywhere, without);
    }

    [Fact]
    public void What_a_command_takes_is_made_before_it()
    {
        string[] needed =
        [
            .. Book("fast").Needed(["runs/dg-mnist-a-adv30-black-box", "weights/dg-mnist-a-rec.safetensors"]),
        ];
        Assert.Equal(
            [
                "weights/dg-mnist-a-adv30.safetensors",
                "runs/dg-mnist-a-adv30-black-box",
                "images/mnist-reconstructed",
                "weights/dg-mnist-a-rec.safetensors",
            ],
            needed
        );
    }

    [Fact]
    public void Nothing_is_made_for_what_is_there() =>
        Assert.Equal(
            ["runs/dg-mnist-a-adv30-black-box"],
            Book("fast").Needed(["runs/dg-mnist-a-adv30-black-box"], target => target.StartsWith('w'))
        );

    [Fact]
    public void The_number_of_an_adaptive_attacker_is_the_smallest_of_those_who_know_the_defense()
    {
        Write(
            "runs/x",
            Row("none", "none", Threat.None, 98),
            Row("fgsm", "none", Threat.None, 20),
            Row("none", "puvae", Threat.None, 97),
            Row("fgsm", "puvae", Threat.GreyBox, 80),
            Row("fgsm", "puvae", Threat.WhiteBox, 60),
            Row("label-flip-pull", "puvae", Threat.WhiteBox, 5)
        );
        Experiment table = Table(
            new NumberSource
            {
                From = "runs/x",
                Attack = "fgsm",
                Defense = "puvae",
                Aware = false,
            },
            new NumberSource
            {
                From = "runs/x",
                Defense = "puvae",
                Aware = true,
            },
            "0.9"
        );
        ReproducedNumber number = Assert.Single(Reader().Read(table));
        Assert.Equal((80, 100), (number.Ours!.Hits, number.Ours.Count));
        Assert.Equal((5, "label-flip-pull"), (number.Adaptive!.Hits, number.Adaptive.Attack));
    }

    [Fact]
    public void An_attack_is_told_from_others_of_its_kind_by_its_options()
    {
        Write(
            "runs/x",
            Row("substitute:epochs=3,net=classifier-b", "none", Threat.None, 30),
            Row("substitute:epochs=3", "none", Threat.None, 10)
        );
        Assert.Equal(30, Hits("substitute:net=classifier-b"));
        Assert.Equal(10, Hits("substitute:net=classifier-e"));

        int? Hits(string attack) =>
            Reader().Read(Table(new NumberSource { From = "runs/x", Attack = attack }, null, "0.9"))[0].Ours!.Hits;
    }

    [Fact]
    public void A_defense_is_told_from_others_of_its_kind_by_its_options()
    {
        Write(
            "runs/x",
            Row("fgsm", "defense-gan", Threat.GreyBox, 30),
            Row("fgsm", "defense-gan:rec=a.safetensors", Threat.GreyBox, 40),
            Row("fgsm", "puvae", Threat.GreyBox, 50)
        );
        Assert.Equal(30, Hits("defense-gan"));
        Assert.Equal(40, Hits("defense-gan:rec=a.safetensors"));
        Assert.Equal(50, Hits("puvae:weights=b.safetensors"));

        int? Hits(string defense) =>
            Reader().Read(Table(new NumberSource { From = "runs/x", Defense = defense }, null, "0.9"))[0].Ours!.Hits;
    }

    [Theory]
    [InlineData("0.85", "inside", Agreement.Inside)]
    [InlineData("0.95", "off by -15.0 points", Agreement.Outside)]
    [InlineData(">3h", "not comparable: no number was printed", Agreement.NotComparable)]
    public void A_published_number_is_inside_the_interval_or_off_by_points(
        string published,
        string verdict,
        Agreement agreement
    )
    {
        var results = new TableResults
        {
            Settings = "the fast mode",
            Version = "1",
            Numbers =
            [
                new ReproducedNumber
                {
                    Row = "row",
                    Column = "column",
                    Published = published,
                    Ours = new MeasuredNumber { Hits = 80, Count = 100 },
                },
            ],
        };
        ComparisonTable shown = Comparison.Of(Table(null, null, published), results, []);
        ComparisonCell cell = shown.Rows[0].Cells[0]!;
        Assert.Equal((verdict, agreement), (cell.Verdict, cell.Agreement));
        Assert.Equal(("80.0 %", "(71–87 %)"), (cell.Ours, cell.Interval));
    }

    [Fact]
    public async Task A_table_is_made_page_by_page_and_not_twice()
    {
        string[] words = ["reproduce", "student-parameters", "--out", _folder.File("out")];
        CommandLine.Outcome made = await CommandLine.Run(words);
        Assert.Equal(0, made.Code);
        Assert.Contains("12 of 12 numbers measured", made.Output, StringComparison.Ordinal);
        Assert.Contains(
            "1,493,520",
            await File.ReadAllTextAsync(_folder.File("out/student-parameters.html")),
            StringComparison.Ordinal
        );
        CommandLine.Outcome again = await CommandLine.Run(words);
        Assert.Equal((0, ""), (again.Code, again.Error));
        (await CommandLine.Run([.. words, "--count", "3"])).Fails(2, "other settings", "another folder");
    }

    [Theory]
    [InlineData("fast")]
    [InlineData("full")]
    public async Task A_given_count_is_that_of_every_evaluation(string mode)
    {
        CommandLine.Outcome all = await CommandLine.Run("reproduce", "all", $"--{mode}", "--commands", "--count", "7");
        string[] evaluations =
        [
            .. all.Output.Split('\n').Where(line => line.StartsWith("parry evaluate", StringComparison.Ordinal)),
        ];
        Assert.True(evaluations.Length > 40);
        Assert.All(evaluations, line => Assert.Contains(" --count 7 ", line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_folder_of_an_earlier_version_goes_on_where_settings_were_added()
    {
        string[] words = ["reproduce", "student-parameters", "--collect", "--out", _folder.File("out")];
        Directory.CreateDirectory(_folder.File("out"));
        await File.WriteAllTextAsync(_folder.File("out/mode.txt"), "mode: fast\ncount: 200\n");
        Assert.Equal(0, (await CommandLine.Run(words)).Code);
        await File.WriteAllTextAsync(_folder.File("out/mode.txt"), "mode: fast\ncount: 201\n");
        (await CommandLine.Run(words)).Fails(2, "other settings");
    }

    [Fact]
    public void The_table_of_faces_is_made_from_any_copy_of_CelebA()
    {
        string data = $" --data-dir {new DrawnFaces(_folder.File("data")).Folder}";
        var settings = new Dictionary<string, string>(Experiments.Commands().Modes["fast"])
        {
            ["celeba-train"] = "--epochs 1 --batch 8" + data,
            ["celeba-gan"] = "--width 2 --latent 4 --iterations 1 --batch 4 --critic-steps 1 --threads 1" + data,
            ["celeba-projection"] = "l=2,r=2",
            ["substitute"] = "epochs=1,images=8,rounds=2",
            ["count"] = "4" + data,
        };
        var book = new CommandBook(Experiments.Commands(), settings);
        var run = new ReproduceRun(_folder.Path, book, "cpu");
        foreach (string target in book.Needed(["runs/celeba-gender"]))
            Assert.Equal(0, run.Make(target, CancellationToken.None));

        Experiment table = Experiments.ByName("celeba-gender");
        IReadOnlyList<ReproducedNumber> numbers = new NumberReader(new MadeResults(_folder.Path), settings).Read(table);
        Assert.Equal(table.Rows.Count * table.Columns.Count, numbers.Count);
        Assert.All(numbers, number => Assert.Equal(4, number.Ours!.Count));
    }

    [Fact]
    public async Task The_list_says_what_each_table_needs_and_how_much_of_it_is_measured()
    {
        CommandLine.Outcome list = await CommandLine.Run("reproduce", "--list");
        Assert.Equal((0, ""), (list.Code, list.Error));
        Assert.All(Experiments.All.Keys, name => Assert.Contains(name, list.Output, StringComparison.Ordinal));
        Assert.Matches(@"student-gans .* figure", list.Output);
        Assert.Matches(@"celeba-gender .* none", list.Output);
    }

    [Theory]
    [InlineData("expected a table")]
    [InlineData("dg-t9", "expected one of the tables", "dg-t9")]
    [InlineData("dg-t1 --fast --full", "both")]
    [InlineData("dg-t1", "--out")]
    public async Task Wrong_use_is_named(string words, params string[] expected)
    {
        bool isTable = words.StartsWith("dg", StringComparison.Ordinal);
        string[] given = isTable ? words.Split(' ') : [];
        (await CommandLine.Run(["reproduce", .. given])).Fails(2, isTable ? expected : [words]);
    }

    [Fact]
    public void The_survey_has_33_attacks_and_each_is_ours_or_says_what_is_instead()
    {
        IReadOnlyList<SurveyedAttack> rows = AttackSurvey.Rows();
        Assert.Equal(33, rows.Count);
        Assert.All(rows, row => Assert.True((row.Ours.Count == 0) == (row.Instead is not null)));
    }

    [Fact]
    public void The_document_is_made_from_its_results()
    {
        string document = Path.Combine(ReadMeTests.Root(), "docs", "results.md");
        string made = ResultsDocument.Render(ResultsFile.Read(Path.ChangeExtension(document, "json")));
        if (Environment.GetEnvironmentVariable("PARRY_UPDATE_DOCS") == "1")
            File.WriteAllText(document, made);
        Assert.Equal(made, File.ReadAllText(document));
    }

    private NumberReader Reader() => new(new MadeResults(_folder.Path), new Dictionary<string, string>());

    private static CommandBook Book(string mode) => new(Experiments.Commands(), Experiments.Commands().Modes[mode]);

    private static Experiment Table(NumberSource? ours, NumberSource? adaptive, string published) =>
        new()
        {
            Title = "title",
            Source = "source",
            Measure = "measure",
            Minutes = 1,
            Columns =
            [
                new ExperimentColumn
                {
                    Name = "column",
                    Ours = ours,
                    Adaptive = adaptive,
                },
            ],
            Rows = [new ExperimentRow { Name = "row", Published = published }],
        };

    private void Write(string run, params EvaluationRow[] rows)
    {
        string folder = Directory.CreateDirectory(_folder.File(run)).FullName;
        var report = new EvaluationReport
        {
            Title = "title",
            Command = "command",
            Created = DateTimeOffset.UnixEpoch,
            Machine = new Dictionary<string, string>(),
            Settings = new Dictionary<string, string>(),
            Rows = rows,
            Rocs = [],
            Gallery = [],
            Times = [],
            Notes = [],
        };
        JsonReport.Write(report, Path.Combine(folder, "report.json"));
        File.WriteAllText(ReproduceRun.DoneSign(folder), "");
    }

    private static EvaluationRow Row(string attack, string defense, Threat threat, int right) =>
        new()
        {
            Model = "model",
            Data = "mnist",
            Attack = attack,
            Norm = attack == "none" ? null : "linf",
            Epsilon = attack == "none" ? null : 0.3,
            Defense = defense,
            Threat = threat,
            Count = 100,
            MedianDistance = null,
            Gradients = 0,
            Queries = 0,
            Seconds = 0,
            Seed = 1,
            CleanCorrect = 98,
            RobustCorrect = right,
            Attacked = 98,
            Succeeded = 98 - Math.Min(98, right),
        };
}
