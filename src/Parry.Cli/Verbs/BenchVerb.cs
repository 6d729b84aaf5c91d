using System.CommandLine;
using System.Globalization;
using System.Text.Json.Serialization;
using Parry.Catalogs;
using Parry.Cli.Bench;
using Parry.Data;
using Parry.Models;
using Spectre.Console;
using static TorchSharp.torch;

namespace Parry.Cli.Verbs;

/// <summary><c>parry bench</c>: the numbers that Parry promises, each beside its bound.</summary>
internal static class BenchVerb
{
    public static Command Create()
    {
        var part = new Argument<string>("part")
        {
            Description =
                "speed, quality, defenses, process, all of these, attacks, http, formats, gpu, or gpu-cifar10.",
            HelpName = "PART",
            DefaultValueFactory = _ => "all",
        };
        part.AcceptOnlyFromAmong(
            "speed",
            "quality",
            "defenses",
            "process",
            "all",
            "attacks",
            "http",
            "formats",
            "gpu",
            "gpu-cifar10"
        );
        Option<string?> dataDir = Arguments.DataDir();
        var model = new Option<string?>("--model")
        {
            Description =
                "The network of the rows about gradients, attacks, http and gpu on MNIST, of gpu-cifar10 on "
                + "CIFAR-10; of formats an .onnx file with the same network as .pt beside it.",
            HelpName = "FILE",
        };
        var only = new Option<string[]>("--only")
        {
            Description = "With attacks: just these.",
            HelpName = "NAME",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [],
        };
        Option<bool> json = Arguments.Json();
        return new Command(
            "bench",
            "Measure what Parry promises: speed as ratios taken in one run, quality of the shipped weights, the "
                + "program itself."
        )
        {
            part,
            dataDir,
            model,
            only,
            json,
        }.Does(
            (parsed, cancellation) =>
            {
                if (parsed.GetValue(part) == "attacks")
                    return Attacks(
                        Output.Of(parsed),
                        parsed.GetValue(dataDir),
                        parsed.GetValue(model) ?? "mnist/a",
                        parsed.GetValue(only)!,
                        parsed.GetValue(json),
                        ProgressLine.Of(parsed),
                        cancellation
                    );
                BenchRow[] rows =
                [
                    .. Rows(parsed.GetValue(part)!, parsed.GetValue(dataDir), parsed.GetValue(model), cancellation),
                ];
                if (parsed.GetValue(json))
                    Output.Of(parsed).Json(rows, BenchJson.Default.BenchRowArray);
                else
                    Output.Of(parsed).Render(TableOf(rows));
                return rows.Any(row => row.Holds == false) ? 1 : 0;
            }
        );
    }

    private static int Attacks(
        Output output,
        string? dataDir,
        string model,
        string[] only,
        bool json,
        ProgressLine progress,
        CancellationToken cancellation
    )
    {
        AttackEntry[] entries =
            only.Length == 0
                ? [.. AttackCatalog.All.Where(AttackBenchmarks.IsMeasured)]
                : [.. only.Select(AttackCatalog.Find)];
        var rows = new List<AttackBenchRow>();
        OnNetwork(
            DataSets.Mnist,
            dataDir,
            model,
            200,
            (network, images, labels) =>
            {
                using (progress)
                {
                    foreach (AttackEntry entry in entries)
                    {
                        cancellation.ThrowIfCancellationRequested();
                        progress.Show(() => entry.Name);
                        rows.Add(
                            AttackBenchmarks.Measure(
                                entry,
                                network,
                                images,
                                labels,
                                $"parry bench attacks --only {entry.Name} --json"
                            )
                        );
                    }
                }
            }
        );

        if (json)
            output.Json([.. rows], BenchJson.Default.AttackBenchRowArray);
        else
            output.Render(TableOf(rows));
        return rows.Any(row => row.Holds == false) ? 1 : 0;
    }

    private static Table TableOf(List<AttackBenchRow> rows)
    {
        Table table = Output.Table(
            "attack",
            ">images/s",
            ">gradients/image",
            ">queries/image",
            ">over its model calls",
            ">must be",
            ">batch over single",
            ""
        );
        foreach (AttackBenchRow row in rows)
        {
            table.AddRow(
                Markup.Escape(row.Name),
                string.Create(CultureInfo.InvariantCulture, $"{row.ImagesPerSecond:0.0}"),
                string.Create(CultureInfo.InvariantCulture, $"{row.Gradients:0.#}"),
                string.Create(CultureInfo.InvariantCulture, $"{row.Queries:0.#}"),
                string.Create(CultureInfo.InvariantCulture, $"{row.Ratio:0.00}"),
                row.Bound is { } bound ? string.Create(CultureInfo.InvariantCulture, $"<= {bound:0.00}") : "",
                row.Batching is { } times ? string.Create(CultureInfo.InvariantCulture, $"{times:0.0}") : "",
                row.Holds switch
                {
                    true => "[green]holds[/]",
                    false => "[red]missed[/]",
                    null => "",
                }
            );
        }

        return table;
    }

    private static IEnumerable<BenchRow> Rows(
        string part,
        string? dataDir,
        string? model,
        CancellationToken cancellation
    )
    {
        if (part is "speed" or "all")
        {
            yield return SpeedBenchmarks.OperatorCall();
            yield return SpeedBenchmarks.Projection(ScalarType.Float32);
            yield return SpeedBenchmarks.Projection(ScalarType.BFloat16);
            foreach (BenchRow row in OnData(DataSets.Mnist, dataDir, set => Speed(set, dataDir, model)))
                yield return row;
        }

        if (part is "quality" or "all")
        {
            foreach (
                BenchRow row in OnData(DataSets.Mnist, dataDir, set => [QualityBenchmarks.Accuracy(set, 99.0, dataDir)])
            )
                yield return row;
            foreach (
                BenchRow row in OnData(
                    DataSets.FashionMnist,
                    dataDir,
                    set => [QualityBenchmarks.Accuracy(set, 92.0, dataDir)]
                )
            )
                yield return row;
            foreach (
                BenchRow row in OnData(
                    DataSets.Mnist,
                    dataDir,
                    _ => QualityBenchmarks.DefenseGan(dataDir, cancellation)
                )
            )
                yield return row;
        }

        if (part is "defenses" or "all")
        {
            foreach (
                BenchRow row in OnData(DataSets.Mnist, dataDir, _ => DefenseBenchmarks.Rows(dataDir, cancellation))
            )
                yield return row;
        }

        if (part is "http")
        {
            foreach (
                BenchRow row in OnData(DataSets.Mnist, dataDir, set => BehindAddress(set, dataDir, model ?? "mnist/a"))
            )
                yield return row;
        }

        if (part is "formats")
        {
            foreach (
                BenchRow row in FormatBenchmarks.Rows(
                    model
                        ?? throw new UserErrorException(
                            "parry bench formats needs --model FILE.onnx, with the same network as .pt beside it"
                        ),
                    dataDir
                )
            )
                yield return row;
        }

        if (part is "gpu")
        {
            foreach (BenchRow row in OnData(DataSets.Mnist, dataDir, set => OnGpu(set, dataDir, model ?? "mnist/a")))
                yield return row;
        }

        if (part is "gpu-cifar10")
        {
            string name =
                model
                ?? throw new UserErrorException("parry bench gpu-cifar10 needs --model FILE, a network for CIFAR-10");
            foreach (BenchRow row in OnData(DataSets.Cifar10, dataDir, set => OnGpu(set, dataDir, name)))
                yield return row;
        }

        if (part is "process" or "all")
        {
            foreach (BenchRow row in ProcessBenchmarks.Help())
                yield return row;
            foreach (BenchRow row in ProcessBenchmarks.Demo())
                yield return row;
        }
    }

    private static List<BenchRow> Speed(DataSet set, string? dataDir, string? model)
    {
        var rows = new List<BenchRow>();
        OnNetwork(
            set,
            dataDir,
            model ?? "mnist/a",
            1000,
            (network, images, labels) =>
            {
                if (model is null)
                    rows.Add(
                        BenchRow.Absent(
                            "gradients of 1000 MNIST images: threads over workers",
                            "give --model the file of the public network mnist-pgd.pt",
                            ">= 1.8",
                            SpeedBenchmarks.Command
                        )
                    );
                else
                    rows.Add(SpeedBenchmarks.WorkersAgainstThreads(network, images, labels));
                rows.Add(SpeedBenchmarks.ProjectedGradientDescentOverhead(network, images, labels));
                rows.Add(SpeedBenchmarks.Memory(network, images, labels));
            }
        );
        return rows;
    }

    private static List<BenchRow> BehindAddress(DataSet set, string? dataDir, string model)
    {
        var rows = new List<BenchRow>();
        OnNetwork(
            set,
            dataDir,
            model,
            100,
            (network, images, labels) => rows.AddRange(HttpBenchmarks.Rows(network, images, labels))
        );
        return rows;
    }

    private static List<BenchRow> OnGpu(DataSet set, string? dataDir, string model)
    {
        var rows = new List<BenchRow>();
        OnNetwork(
            set,
            dataDir,
            model,
            10_000,
            (network, images, labels) =>
            {
                if (set == DataSets.Mnist)
                    rows.AddRange(GpuBenchmarks.OnMnist(network, images, labels));
                else
                    rows.Add(GpuBenchmarks.OnCifar10(network, images, labels));
            }
        );
        return rows;
    }

    // Loads a network and the first test images of its data set, and frees both afterwards.
    private static void OnNetwork(
        DataSet set,
        string? dataDir,
        string model,
        int count,
        Action<IClassifier, Tensor, Tensor> measure
    )
    {
        ImageSet test = set.Load(DataPart.Test, Split.DefenseGan, dataDir).Take(count);
        var (network, _) = ModelCatalog.LoadClassifier(model, set.Shape, set.ClassNames.Count);
        using var owned = network as IDisposable;
        using Tensor images = test.ImageTensor(),
            labels = test.LabelTensor();
        measure(network, images, labels);
    }

    // A row whose files are absent says so.
    private static IEnumerable<BenchRow> OnData(
        DataSet set,
        string? dataDir,
        Func<DataSet, IEnumerable<BenchRow>> measure
    )
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
            string value = row.Value is { } number
                ? number.ToString("0.###", CultureInfo.InvariantCulture) + " " + row.Unit
                : row.Unit;
            table.AddRow(
                Markup.Escape(row.Name),
                Markup.Escape(value),
                Markup.Escape(row.Bound),
                row.Holds switch
                {
                    true => "[green]holds[/]",
                    false => "[red]missed[/]",
                    null => "",
                }
            );
        }

        return table;
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(BenchRow[]))]
[JsonSerializable(typeof(AttackBenchRow[]))]
internal sealed partial class BenchJson : JsonSerializerContext;
