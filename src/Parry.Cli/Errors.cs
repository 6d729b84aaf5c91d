using System.CommandLine;
using System.CommandLine.Parsing;
using System.Reflection;
using System.Runtime.InteropServices;
using Parry.Runtime;

namespace Parry.Cli;

/// <summary>Reports failures as one line on stderr and an exit code.</summary>
internal static class Errors
{
    private const int LongestMessage = 1000;

    /// <summary>
    /// Writes the line <c>parry: …</c>, with <c>PARRY_DEBUG=1</c> also the stack, and returns the exit code.
    /// </summary>
    public static int Report(Exception exception, TextWriter error)
    {
        while (
            exception is AggregateException or TypeInitializationException or TargetInvocationException
            && exception.InnerException is { } inner
        )
            exception = inner;
        string message = exception switch
        {
            OperationCanceledException and not StoppedException => "stopped",
            ExternalException => TorchErrors.FirstLine(exception),
            _ => exception.Message,
        };
        error.WriteLine($"parry: {PlainText.Cut(PlainText.OneLine(message), LongestMessage)}");
        if (Environment.GetEnvironmentVariable("PARRY_DEBUG") == "1")
            error.WriteLine(exception);
        return exception switch
        {
            UserErrorException or TorchNotFoundException or TorchException => 2,
            OperationCanceledException => 130,
            _ => 1,
        };
    }

    /// <summary>Says what is wrong with a command line that could not be parsed, and where to read more.</summary>
    public static string Explain(ParseResult result)
    {
        Command command = result.CommandResult.Command;
        string path = PathOf(result.CommandResult);
        string more = $"{path} --help shows more";

        // A command without its own options only groups verbs.
        if (command.Subcommands.Count > 0 && !command.Options.Any(option => option.Required))
        {
            string verbs = string.Join(", ", command.Subcommands.Where(verb => !verb.Hidden).Select(verb => verb.Name));
            return result.UnmatchedTokens.Count > 0
                ? $"{path} has no \"{result.UnmatchedTokens[0]}\": give one of {verbs}; {more}"
                : $"{path} needs a verb: {verbs}; {more}";
        }

        string message = PlainText
            .OneLine(result.Errors.Count > 0 ? result.Errors[0].Message : "nothing to do")
            .TrimEnd('.');
        return $"{char.ToLowerInvariant(message[0])}{message[1..]}; {more}";
    }

    private static string PathOf(CommandResult result) =>
        result.Parent is CommandResult parent ? $"{PathOf(parent)} {result.Command.Name}" : result.Command.Name;
}
