using System.Text.RegularExpressions;

namespace Parry.Runtime;

/// <summary>Makes LibTorch's errors readable.</summary>
public static partial class TorchErrors
{
    private static readonly string[] s_noise = ["Exception raised from", "frame #", "Traceback of TorchScript"];

    /// <summary>The first line of an error's message with content, without LibTorch's back-trace.</summary>
    public static string FirstLine(Exception error)
    {
        string text = error.Message;
        if (InScript().Match(text) is { Success: true } said)
            text = said.Groups[1].Value;
        foreach (string noise in s_noise)
        {
            int at = text.IndexOf(noise, StringComparison.Ordinal);
            if (at > 0)
                text = text[..at];
        }

        string? line = text.Split('\n').Select(part => part.Trim()).FirstOrDefault(part => part.Length > 0);
        return line?.TrimEnd('.') ?? error.GetType().Name;
    }

    // The reason follows the lines of the script that led to it.
    [GeneratedRegex(
        @"Traceback of TorchScript[\s\S]*?^\s*\w+(?:Error|Exception): (.+)$",
        RegexOptions.Multiline,
        matchTimeoutMilliseconds: 1000
    )]
    private static partial Regex InScript();
}
