using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Diagnostics;
using Parry.Cli.Verbs;
using Parry.Models.TorchScript;
using Parry.Runtime;

namespace Parry.Cli;

/// <summary>
/// The whole command line: parses it, runs the verb, and turns failures into one line and an exit code.
/// </summary>
internal static class ParryCommand
{
    private const int HelpWidth = 100;

    /// <summary>The option that every verb has.</summary>
    internal static readonly Option<string> Device = new("--device")
    {
        Description = "The device to compute on: cpu, cuda or cuda:1.",
        HelpName = "DEVICE",
        DefaultValueFactory = _ => "cpu",
        Recursive = true,
    };

    /// <summary>Runs one command line.</summary>
    /// <param name="args">The words after <c>parry</c>; without any, help is shown.</param>
    /// <param name="output">Receives results and help.</param>
    /// <param name="error">Receives progress and the line of an error.</param>
    /// <param name="cancellation">Stops the work cleanly.</param>
    /// <returns>The exit code: 0 success, 1 the work failed, 2 wrong usage or input, 130 stopped.</returns>
    public static async Task<int> RunAsync(
        IReadOnlyList<string> args,
        TextWriter output,
        TextWriter error,
        CancellationToken cancellation = default
    )
    {
        TorchScriptProbe.Program = OwnProgram;
        output = new PlainWriter(output);
        error = new PlainWriter(error, optional: true);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        PassTimeout.Exceeded = reason => StopInTime(reason, error, stop);
        try
        {
            ParseResult result = Create()
                .Parse(
                    args.Count == 0 ? ["--help"] : args,
                    new ParserConfiguration { ResponseFileTokenReplacer = null }
                );
            if (result.Action is null or ParseErrorAction)
                throw new UserErrorException(Errors.Explain(result));
            if (Computes(result))
                Devices.Use(result.GetValue(Device)!);
            int code = await result.InvokeAsync(
                new InvocationConfiguration
                {
                    Output = output,
                    Error = error,
                    EnableDefaultExceptionHandler = false,
                    ProcessTerminationTimeout = null,
                },
                stop.Token
            );
            return PassTimeout.IsExceeded ? 1 : code;
        }
        catch (Exception e)
        {
            int code = Errors.Report(e, error);
            return PassTimeout.IsExceeded ? 1 : code;
        }
    }

    // What is finished is shown; what does not end by itself is not waited for.
    private static void StopInTime(string reason, TextWriter error, CancellationTokenSource stop)
    {
        error.WriteLine($"parry: {reason}");
        stop.Cancel();
        Thread.Sleep(Stopping.Grace);
        Stopping.EndAtOnce(1);
    }

    /// <summary>Makes the tree of verbs.</summary>
    public static Command Create()
    {
        // A RootCommand would be named after the program's file.
        var root = new Command(
            "parry",
            "Attack image classifiers, defend them, and measure how robust they really are."
        )
        {
            new HelpOption
            {
                Action = new HelpAction
                {
                    MaxWidth = Console.IsOutputRedirected ? HelpWidth : Math.Min(Output.TerminalWidth, HelpWidth),
                },
            },
            new VersionOption { Action = new ShowVersion() },
            DemoVerb.Create(),
            AttackVerb.Create(),
            TransferVerb.Create(),
            LabelFlipVerb.Create(),
            EvaluateVerb.Create(),
            RunVerb.Create(),
            MergeVerb.Create(),
            ReproduceVerb.Create(),
            VerifyVerb.Create(),
            PurifyVerb.Create(),
            CertifyVerb.Create(),
            ServeVerb.Create(),
            QualityVerb.Create(),
            PairsVerb.Create(),
            DoctorVerb.Create(),
            new Command("data", "List and download data sets.") { DataListVerb.Create(), DataFetchVerb.Create() },
            new Command("model", "List the models that ship, and describe any model.")
            {
                ModelListVerb.Create(),
                ModelInspectVerb.Create(),
            },
            new Command("train", "Train a network; --resume continues a run that was stopped.")
            {
                TrainClassifierVerb.Create(),
                TrainGanVerb.Create(),
                TrainPix2PixVerb.Create(),
                TrainVaeVerb.Create(),
                TrainPuVaeVerb.Create(),
                TrainMagNetVerb.Create(),
                TrainDefenseVaeVerb.Create(),
                TrainDiffusionVerb.Create(),
                TrainAdvGanVerb.Create(),
            },
            Device,
        };
        return root;
    }

    // Lists, downloads, the doctor and help work without LibTorch; for the rest it is loaded here, where a failure is
    // reported in one line.
    private static bool Computes(ParseResult result) =>
        result.Action is not (HelpAction or ShowVersion)
        && result.CommandResult.Command.Name is not ("doctor" or "list" or "fetch" or "reproduce");

    /// <summary>How to start this program again, whatever process it runs in.</summary>
    internal static ProcessStartInfo OwnProgram()
    {
        string file = typeof(ParryCommand).Assembly.Location;
        string process = Environment.ProcessPath ?? "dotnet";
        string name = Path.GetFileNameWithoutExtension(process);
        if (file.Length == 0 || name == Path.GetFileNameWithoutExtension(file))
            return new ProcessStartInfo(process);
        return new ProcessStartInfo(name == "dotnet" ? process : "dotnet", [file]);
    }

    private sealed class ShowVersion : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            parseResult.InvocationConfiguration.Output.WriteLine(
                $"parry {typeof(ParryCommand).Assembly.GetName().Version!.ToString(3)}"
            );
            return 0;
        }
    }
}
