using System.CommandLine;
using Parry.Cli.Doctor;
using Spectre.Console;

namespace Parry.Cli.Verbs;

/// <summary><c>parry doctor</c>: what is installed, found and fast.</summary>
internal static class DoctorVerb
{
    /// <summary>What <c>--json</c> writes.</summary>
    /// <param name="Works">Whether everything that every verb needs is there.</param>
    /// <param name="Checks">The checks.</param>
    internal sealed record DoctorReport(bool Works, IReadOnlyList<Check> Checks);

    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        Option<bool> json = Arguments.Json();
        return new Command(
            "doctor",
            "Check what is installed on this machine and how fast it is, and say how to fix what is missing."
        )
        {
            json,
        }.Does((result, _) => Run(Output.Of(result), result.GetValue(json)));
    }

    private static int Run(Output output, bool json)
    {
        Check[] checks = [.. SystemChecks.Machine(), .. TorchChecks.All(), .. SystemChecks.Files()];
        bool works = checks.All(check => check.Name != TorchChecks.LibTorch || check.Status != CheckStatus.Missing);
        if (json)
            output.Json(new DoctorReport(works, checks), CliJson.Default.DoctorReport);
        else
            output.Render(Grid(checks));
        return works ? 0 : 1;
    }

    private static Grid Grid(Check[] checks)
    {
        var grid = new Grid().AddColumns(3);
        foreach (Check check in checks)
        {
            string status = check.Status switch
            {
                CheckStatus.Ok => "[green]ok[/]",
                CheckStatus.Warning => "[yellow]warning[/]",
                _ => "[red]missing[/]",
            };
            grid.AddRow(
                status,
                Tables.Cell(check.Name),
                Tables.Cell(check.Found) + (check.Advice is null ? "" : $"\n→ {Tables.Cell(check.Advice)}")
            );
        }

        return grid;
    }
}
