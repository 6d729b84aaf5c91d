using Parry.Cli.Reproducing;
using Parry.Cli.Reproducing.Figures;
using Parry.Data.Images;
using Parry.Evaluation;
using Parry.Reports;

namespace Parry.Cli.Tests;

/// <summary>The figures of <c>parry reproduce</c>.</summary>
public sealed class FigureTests : IDisposable
{
    private const int MostBytes = 150_000;

    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Modes => ["fast", "full"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_corners_of_a_plot_are_those_of_its_frame()
    {
        var plot = new PlotArea(Left: 10, Top: 20, Width: 200, Height: 100);
        Assert.Equal((10, 120), plot.At(0, 0));
        Assert.Equal((210, 20), plot.At(1, 1));
        Assert.Equal((60, 95), plot.At(0.25, 0.25));
    }

    [Fact]
    public void A_perfect_detector_is_drawn_along_the_left_and_upper_edge()
    {
        string drawing = RocFigure.Draw("title", [new DrawnPanel("L", "R = 10", [new DrawnCurve("25", Roc(1), null)])]);
        Assert.Contains("points=\"34,254 34,44 244,44\"", drawing, StringComparison.Ordinal);
        Assert.Contains(">25: 1.000<", drawing, StringComparison.Ordinal);
        Assert.Contains("<circle cx=\"139\" cy=\"318\"", drawing, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_figure_of_curves_is_collected_from_runs()
    {
        Write("out/runs/dg-fig4-mnist", Curve("fgsm", Threat.GreyBox, 1), Curve("fgsm", Threat.WhiteBox, 0.25));
        Write("out/runs/dg-fig4-mnist-adaptive", Curve("reconstruction-evasion", Threat.WhiteBox, 0.5));
        string page = await Collect("dg-fig4");
        string drawing = await File.ReadAllTextAsync(_folder.File("out/figures/dg-fig4.svg"));
        Assert.Contains(">25: 1.000<", drawing, StringComparison.Ordinal);
        Assert.DoesNotContain("0.250", drawing, StringComparison.Ordinal);
        Assert.Contains(drawing.Trim(), page, StringComparison.Ordinal);
        string document = await File.ReadAllTextAsync(_folder.File("out/dg-fig4.md"));
        Assert.Contains("](figures/dg-fig4.svg)", document, StringComparison.Ordinal);
        Assert.Contains("| **1**<br>adaptive 0.5<br>*not in the document* |", document, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pictures_that_a_mode_does_not_make_are_left_out()
    {
        Directory.CreateDirectory(_folder.File("out/weights"));
        await File.WriteAllTextAsync(_folder.File("out/weights/student-gan.safetensors"), "");
        byte[] sheet = Png.Encode(new byte[300 * 400], new ImageShape(1, 300, 400));
        await File.WriteAllBytesAsync(_folder.File("out/weights/student-gan.samples-0.png"), sheet);
        await File.WriteAllBytesAsync(_folder.File("out/weights/student-gan.samples-200.png"), sheet);
        await File.WriteAllBytesAsync(_folder.File("out/weights/student-wgan.samples-0.png"), sheet);
        await Collect("student-gans");
        string drawing = await File.ReadAllTextAsync(_folder.File("out/figures/student-gan.svg"));
        Assert.Equal(2, drawing.Split("<image").Length - 1);
        Assert.Contains(">before training<", drawing, StringComparison.Ordinal);
        Assert.Contains(">200 iterations<", drawing, StringComparison.Ordinal);
        Assert.False(File.Exists(_folder.File("out/figures/student-wgan.svg")));
    }

    [Fact]
    public void A_picture_is_the_part_that_its_place_says()
    {
        byte[] values = [.. Enumerable.Range(0, 12).Select(i => (byte)i)];
        File.WriteAllBytes(_folder.File("sheet.png"), Png.Encode(values, new ImageShape(1, 3, 4)));
        File.WriteAllText(_folder.File("made.json"), """{"top": {"name": "tench", "probability": 0.9312}}""");
        var picture = new FigurePicture
        {
            File = "sheet.png",
            Part = [1, 1, 2, 2],
            Caption = "caption",
            Score = "/top",
        };
        DrawnPicture drawn = Reader().Picture(new PictureRow { From = "made.json", Pictures = [picture] }, picture);
        Assert.Equal([5, 6, 9, 10], drawn.Planes);
        Assert.Equal(["caption", "tench", "93.1\u202f%"], drawn.Lines);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void Every_curve_is_in_the_evaluation_that_it_comes_from(string mode)
    {
        CommandFile commands = Experiments.Commands();
        var book = new CommandBook(commands, commands.Modes[mode]);
        foreach (RocPanel panel in Figures().SelectMany(figure => figure.Panels))
        {
            foreach (string value in panel.Values)
            {
                var variables = new Dictionary<string, string> { [panel.Parameter] = value };
                NumberSource ours = panel.Ours.Filled(variables);
                NumberSource adaptive = panel.Adaptive.Filled(variables);
                string[] budgets =
                [
                    .. book.WordsFor(ours.From)
                        .Single(word => word.StartsWith("fgsm:eps=", StringComparison.Ordinal))
                        .Split('=', ','),
                ];
                Assert.Contains(ours.Defense, book.WordsFor(ours.From));
                Assert.Contains(adaptive.Defense, book.WordsFor(adaptive.From));
                Assert.Contains(FormattableString.Invariant($"{ours.Epsilon}"), budgets);
                Assert.Equal((ours.Epsilon, false, true), (adaptive.Epsilon, ours.Aware, adaptive.Aware));
            }
        }
    }

    [Fact]
    public void Every_figure_has_a_file_of_its_own_and_those_of_the_documents_are_there()
    {
        string[] files = [.. Figures().Select(figure => figure.File)];
        Assert.NotEmpty(files);
        Assert.Equal(files.Distinct(), files);
        string docs = Path.Combine(ReadMeTests.Root(), "docs");
        ResultsFile results = ResultsFile.Read(Path.Combine(docs, "results.json"));
        foreach (string file in results.Tables.Values.SelectMany(table => table.Figures))
        {
            Assert.Contains(file, files);
            Assert.InRange(new FileInfo(Path.Combine(docs, "figures", file)).Length, 1, MostBytes);
        }
    }

    private static IEnumerable<ExperimentFigure> Figures() =>
        Experiments.All.Values.SelectMany(experiment => experiment.Figures);

    private FigureReader Reader() => new(new MadeResults(_folder.Path), new Dictionary<string, string>());

    private async Task<string> Collect(string name)
    {
        CommandLine.Outcome collected = await CommandLine.Run(
            "reproduce",
            name,
            "--collect",
            "--out",
            _folder.File("out")
        );
        Assert.Equal((0, ""), (collected.Code, collected.Error));
        return await File.ReadAllTextAsync(_folder.File($"out/{name}.html"));
    }

    private void Write(string run, params RocCurve[] curves)
    {
        string folder = Directory.CreateDirectory(_folder.File(run)).FullName;
        var report = new EvaluationReport
        {
            Title = "title",
            Command = "command",
            Created = DateTimeOffset.UnixEpoch,
            Machine = new Dictionary<string, string>(),
            Settings = new Dictionary<string, string>(),
            Rows = [],
            Rocs = curves,
            Gallery = [],
            Times = [],
            Notes = [],
        };
        JsonReport.Write(report, Path.Combine(folder, "report.json"));
        File.WriteAllText(ReproduceRun.DoneSign(folder), "");
    }

    private static RocCurve Curve(string attack, Threat threat, double area) =>
        Roc(area) with
        {
            Attack = attack,
            Threat = threat,
        };

    // The simplest curve of this area: its corner is on the left edge.
    private static RocCurve Roc(double area) =>
        new()
        {
            Defense = "defense-gan:l=25,r=10",
            Attack = "fgsm",
            Norm = "linf",
            Epsilon = 0.1,
            Threat = Threat.GreyBox,
            Auc = area,
            Points = [new RocPoint(0, 0), new RocPoint(0, (2 * area) - 1), new RocPoint(1, 1)],
        };
}
