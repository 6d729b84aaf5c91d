using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using System.Text.Json;
using Parry.Catalogs;
using Parry.Data;
using Parry.Models.Http;
using Parry.Runtime;

namespace Parry.Benchmarks.Bounds;

/// <summary>The verbs <c>bounds</c> and <c>gpu</c>: the numbers that Parry promises, each beside its bound.</summary>
internal static class BoundsCommand
{
    private const string Launcher = "bench/run";
    private const string ShippedModel = "mnist/a";

    private static readonly JsonSerializerOptions s_json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
    };

    private static readonly (string Name, Func<Request, IEnumerable<Measurement>> Rows)[] s_parts =
    [
        ("speed", request => SpeedBounds.Rows(request.Model, request.DataDir)),
        ("process", _ => ProcessBounds.Rows()),
        ("quality", request => QualityBounds.Rows(request.DataDir)),
        ("defenses", request => DefenseBounds.Rows(request.DataDir)),
        ("attacks", request => AttackBounds.Rows(request.Model ?? ShippedModel, request.Only, request.DataDir)),
        ("http", request => HttpBounds.Rows(request.Model ?? ShippedModel, request.DataDir)),
        ("formats", request => FormatBounds.Rows(request.Model, request.DataDir)),
        ("strength", request => StrengthBounds.Rows(request.Model, request.Only, request.DataDir)),
        ("cost", request => CostCurves.Rows(request.Model, request.Only, request.DataDir)),
    ];

    /// <summary>Makes the command line.</summary>
    public static Command Create() =>
        new(
            Launcher,
            "Measures Parry. All other arguments go to BenchmarkDotNet, such as --filter '*Operators*', '*Steps*' or "
                + "'*Attacks*', and --list flat."
        )
        {
            new HelpOption(),
            Bounds(),
            Gpu(),
        };

    private static Command Bounds()
    {
        string[] names = [.. s_parts.Select(part => part.Name)];
        var parts = new Argument<string[]>("parts")
        {
            Description = $"What to measure, everything by default: {string.Join(", ", names)}.",
            HelpName = "PART",
            Arity = ArgumentArity.ZeroOrMore,
        };
        parts.AcceptOnlyFromAmong(names);
        var model = new Option<string?>("--model")
        {
            Description =
                $"For speed and http: a network for MNIST instead of {ShippedModel}; for attacks and cost: a network "
                + "for MNIST or CIFAR-10; for formats: an .onnx file with the same network as .pt beside it; for "
                + "strength: one of the public networks that other libraries attacked.",
            HelpName = "FILE",
        };
        var only = new Option<string[]>("--only")
        {
            Description =
                "For attacks, strength and cost: the attacks to measure, all by default; for attacks with their "
                + "settings, if wanted.",
            HelpName = "NAME",
            AllowMultipleArgumentsPerToken = true,
        };
        only.Validators.Add(NamesAttacks);
        Option<string?> dataDir = DataDir();
        Option<bool> json = Json();
        var command = new Command("bounds", "Measure what Parry promises, and print each number beside its bound.")
        {
            parts,
            model,
            only,
            dataDir,
            json,
        };
        command.SetAction(parsed =>
        {
            var request = new Request(parsed.GetValue(model), parsed.GetValue(only) ?? [], parsed.GetValue(dataDir));
            string[] asked = parsed.GetValue(parts) ?? [];
            string option = request.Model is null ? "" : $" --model {request.Model}";
            var tables = s_parts
                .Where(part => asked.Length == 0 || asked.Contains(part.Name))
                .Select(part => new Table($"{Launcher} bounds {part.Name}{option}", () => part.Rows(request)));
            return Print(tables, parsed.GetValue(json));
        });
        return command;
    }

    private static void NamesAttacks(OptionResult only)
    {
        try
        {
            foreach (string attack in only.GetValueOrDefault<string[]>())
                AttackCatalog.Find(attack.Split(':')[0]);
        }
        catch (UserErrorException e)
        {
            only.AddError(e.Message);
        }
    }

    private static Command Gpu()
    {
        var model = new Option<string>("--model")
        {
            Description = "A network for the data set.",
            HelpName = "FILE",
            Required = true,
        };
        var data = new Option<string>("--data")
        {
            Description = "mnist, with five rows, or cifar10, with one.",
            DefaultValueFactory = _ => DataSets.Mnist.Name,
        };
        data.AcceptOnlyFromAmong(DataSets.Mnist.Name, DataSets.Cifar10.Name);
        var device = new Option<string>("--device")
        {
            Description = "What computes: cuda, cuda:1 or cpu.",
            DefaultValueFactory = _ => "cuda",
        };
        Option<string?> dataDir = DataDir();
        Option<bool> json = Json();
        var command = new Command("gpu", "Measure attacks on many images at once, beside bounds for an NVIDIA H200.")
        {
            model,
            data,
            device,
            dataDir,
            json,
        };
        command.SetAction(parsed =>
        {
            DataSet set = parsed.GetValue(data) == DataSets.Mnist.Name ? DataSets.Mnist : DataSets.Cifar10;
            var (file, on) = (parsed.GetRequiredValue(model), parsed.GetValue(device)!);
            Devices.Use(on);
            var table = new Table(
                $"{Launcher} gpu --device {on} --data {set.Name} --model {file}",
                () =>
                {
                    Victim victim = Victim.Open(set, file, GpuBounds.MostImages, parsed.GetValue(dataDir));
                    return set == DataSets.Mnist ? GpuBounds.OnMnist(victim) : GpuBounds.OnCifar10(victim);
                }
            );
            return Print([table], parsed.GetValue(json));
        });
        return command;
    }

    private static Option<string?> DataDir() =>
        new("--data-dir") { Description = "The folder to look for data sets in first.", HelpName = "DIR" };

    private static Option<bool> Json() =>
        new("--json") { Description = "Write one JSON document to standard output, and the table to standard error." };

    // Prints rows as they are measured. The exit code is 1 where a bound is missed.
    private static int Print(IEnumerable<Table> tables, bool json)
    {
        var rows = new List<Measurement>();
        TextWriter output = json ? Console.Error : Console.Out;
        foreach (Table table in tables)
        {
            output.WriteLine(table.Command);
            try
            {
                foreach (Measurement row in table.Rows())
                    Add(row with { Command = table.Command });
            }
            catch (Exception e) when (e is UserErrorException or EndpointException)
            {
                // A model or data set that is missing, or a server that stops, leaves the other tables alone.
                Add(Measurement.Absent("what is left", e.Message) with { Command = table.Command });
            }
        }

        if (json)
            Console.WriteLine(JsonSerializer.Serialize(rows, s_json));
        return rows.Any(row => row.Holds == false) ? 1 : 0;

        void Add(Measurement row)
        {
            rows.Add(row);
            output.WriteLine(row);
        }
    }

    /// <summary>What <c>bounds</c> is asked for.</summary>
    private sealed record Request(string? Model, IReadOnlyList<string> Only, string? DataDir);

    /// <summary>The rows that one command prints.</summary>
    private sealed record Table(string Command, Func<IEnumerable<Measurement>> Rows);
}
