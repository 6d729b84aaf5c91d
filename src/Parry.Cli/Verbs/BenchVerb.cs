using System.CommandLine;
using System.Globalization;
using System.Text.Json.Serialization;
using Parry.Cli.Bench;
using Parry.Data;
using Parry.Models;
using Parry.Torch;
using Spectre.Console;

namespace Parry.Cli.Verbs;

/// <summary><c>parry bench</c>: the numbers that Parry promises, each beside its bound.</summary>
internal static class BenchVerb
{
    public static Command Create()
    {
        var part = new Argument<string>("part") { Description = "speed, quality, process or all.", DefaultValueFactory = _ => "all" };
        part.AcceptOnlyFromAmong("speed", "quality", "process", "all");
        Option<string?> dataDir = Arguments.DataDir();
        var model = new Option<string?>("--model") { Description = "The TorchScript network of the rows about gradients on MNIST.", HelpName = "FILE" };
        Option<bool> json = Arguments.Json();
        return new Command("bench", "Measure what Parry promises: speed as ratios taken in one run, quality of the shipped weights, the program itself.") { part, dataDir, model, json }
            .Does((parsed, cancellation) =>
            {
                BenchRow[] rows = [.. Rows(parsed.GetValue(part)!, parsed.GetValue(dataDir), parsed.GetValue(model), cancellation)];
                if (parsed.GetValue(json)) Output.Of(parsed).Json(rows, BenchJson.Default.BenchRowArray);
                else Output.Of(parsed).Render(TableOf(rows));
                return rows.Any(row => row.Holds == false) ? 1 : 0;
            });
    }

    private static IEnumerable<BenchRow> Rows(string part, string? dataDir, string? model, CancellationToken cancellation)
    {
        if (part is "speed" or "all")
        {
            yield return SpeedBenchmarks.OperatorCall();
            yield return SpeedBenchmarks.Projection(DType.Float32);
            yield return SpeedBenchmarks.Projection(DType.BFloat16);
            foreach (BenchRow row in WithNetwork(dataDir, model)) yield return row;
        }

        if (part is "quality" or "all")
        {
            foreach (BenchRow row in OnData(DataSets.Mnist, dataDir, set => [QualityBenchmarks.Accuracy(set, 99.0, dataDir)])) yield return row;
            foreach (BenchRow row in OnData(DataSets.FashionMnist, dataDir, set => [QualityBenchmarks.Accuracy(set, 92.0, dataDir)])) yield return row;
            foreach (BenchRow row in OnData(DataSets.Mnist, dataDir, _ => QualityBenchmarks.DefenseGan(dataDir, cancellation))) yield return row;
        }

        if (part is "process" or "all")
        {
            foreach (BenchRow row in ProcessBenchmarks.Help()) yield return row;
            foreach (BenchRow row in ProcessBenchmarks.Demo()) yield return row;
        }
    }

    private static IEnumerable<BenchRow> WithNetwork(string? dataDir, string? model) => OnData(DataSets.Mnist, dataDir, set =>
    {
        ImageSet test = set.Load(DataPart.Test, Split.DefenseGan, dataDir).Take(1000);
        string name = model ?? "mnist/a";
        var (network, _) = ModelCatalog.LoadClassifier(name, set.Shape, set.ClassNames.Count);
        using var owned = network as IDisposable;
        using Tensor images = test.ImageTensor(), labels = test.LabelTensor();
        var rows = new List<BenchRow>();
        if (model is null)
            rows.Add(BenchRow.Absent("gradients of 1000 MNIST images: threads over workers", "give --model the file of the public network mnist-pgd.pt", ">= 1.8", SpeedBenchmarks.Command));
        else
            rows.Add(SpeedBenchmarks.WorkersAgainstThreads(network, images, labels));
        rows.Add(SpeedBenchmarks.ProjectedGradientDescentOverhead(network, images, labels));
        rows.Add(SpeedBenchmarks.Memory(network, images, labels));
        return rows;
    });

    // A row whose files are absent says so.
    private static IEnumerable<BenchRow> OnData(DataSet set, string? dataDir, Func<DataSet, IEnumerable<BenchRow>> measure)
    {
        try
        {
            return [.. measure(set)];
        }
        catch (UserErrorException e)
        {
            return [BenchRow.Absent($"rows on {set.Title}", e.Message, "", "parry bench --data-dir FOLDER --json")];
        }
    }

    private static Table TableOf(BenchRow[] rows)
    {
        Table table = Output.Table("what", "measured", "must be", "");
        foreach (BenchRow row in rows)
        {
            string value = row.Value is { } number ? number.ToString("0.###", CultureInfo.InvariantCulture) + " " + row.Unit : row.Unit;
            table.AddRow(Markup.Escape(row.Name), Markup.Escape(value), Markup.Escape(row.Bound), row.Holds switch { true => "[green]holds[/]", false => "[red]missed[/]", null => "" });
        }

        return table;
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(BenchRow[]))]
internal sealed partial class BenchJson : JsonSerializerContext;
