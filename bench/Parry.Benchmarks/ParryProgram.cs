using System.Diagnostics;
using System.Globalization;
using Parry.Reports;

namespace Parry.Benchmarks;

/// <summary>The program <c>parry</c>, which stands beside this one, as a user starts it.</summary>
internal static class ParryProgram
{
    /// <summary>How to start it.</summary>
    public static ProcessStartInfo With(params IEnumerable<string> arguments) =>
        new(Path.Combine(AppContext.BaseDirectory, "Parry.Cli"), arguments);

    /// <summary>Starts <c>parry serve</c>, which runs until it is killed.</summary>
    /// <param name="model">The model.</param>
    /// <param name="shape">Of the model's images.</param>
    /// <param name="delay">Milliseconds from a request to its answer, at least.</param>
    /// <param name="address">Where the model is.</param>
    /// <exception cref="UserErrorException">It cannot serve the model.</exception>
    public static Process Serve(string model, ImageShape shape, int delay, out Uri address)
    {
        string milliseconds = delay.ToString(CultureInfo.InvariantCulture);
        ProcessStartInfo start = With(
            "serve",
            "--model",
            model,
            "--input-size",
            $"{shape}",
            "--delay-ms",
            milliseconds
        );
        start.RedirectStandardOutput = true;
        Process server = Process.Start(start)!;
        string line = server.StandardOutput.ReadLine() ?? throw new UserErrorException($"parry cannot serve {model}");
        address = new Uri(line);
        return server;
    }

    /// <summary>Runs <c>parry evaluate</c> on MNIST and reads its report.</summary>
    /// <exception cref="UserErrorException">It failed; the message is the program's.</exception>
    public static EvaluationReport EvaluateMnist(string? dataDir, params IEnumerable<string> arguments)
    {
        string folder = Directory.CreateTempSubdirectory("parry-benchmarks-").FullName;
        try
        {
            string[] data = dataDir is null ? ["--data", "mnist"] : ["--data", "mnist", "--data-dir", dataDir];
            ProcessStartInfo start = With(["evaluate", .. data, .. arguments, "--out", folder]);
            start.RedirectStandardOutput = start.RedirectStandardError = true;
            using Process process = Process.Start(start)!;
            process.OutputDataReceived += (_, _) => { };
            process.BeginOutputReadLine();
            string error = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0
                ? JsonReport.Read(Path.Combine(folder, "report.json"))
                : throw new UserErrorException(error.Trim());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
