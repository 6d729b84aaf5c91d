using System.Diagnostics;
using System.Text.Json;

namespace Parry.Cli.Tests;

/// <summary>Runs command lines, in this process or as a real one.</summary>
internal static class CommandLine
{
    /// <summary>The folder that holds the program.</summary>
    public static string ProgramFolder => AppContext.BaseDirectory;

    public static async Task<Outcome> Run(params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        int code = await ParryCommand.RunAsync(args, output, error);
        return new Outcome(code, output.ToString(), error.ToString());
    }

    /// <summary>Starts <c>parry</c> as a process of its own.</summary>
    public static Process Start(string folder, IReadOnlyDictionary<string, string>? environment, params string[] args)
    {
        string dotnet = Path.GetFileName(Environment.ProcessPath) == "dotnet" ? Environment.ProcessPath! : "dotnet";
        var start = new ProcessStartInfo(dotnet, [Path.Combine(folder, "Parry.Cli.dll"), .. args])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        return Process.Start(start)!;
    }

    public static async Task<Outcome> Wait(this Process process)
    {
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return new Outcome(process.ExitCode, await output, await error);
    }

    internal sealed record Outcome(int Code, string Output, string Error)
    {
        /// <summary>Standard output as the one JSON document that it must be.</summary>
        public JsonElement Json()
        {
            Assert.Equal("", Error);
            using var document = JsonDocument.Parse(Output);
            return document.RootElement.Clone();
        }

        /// <summary>
        /// Asserts that the work ended with this code, nothing on standard output and one line on standard error.
        /// </summary>
        public void Fails(int code, params string[] words)
        {
            Assert.Equal((code, ""), (Code, Output));
            Assert.Matches(@"\Aparry: [^\n]+\n\z", Error);
            foreach (string word in words)
                Assert.Contains(word, Error, StringComparison.Ordinal);
        }
    }
}
