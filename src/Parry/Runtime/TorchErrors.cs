namespace Parry.Runtime;

/// <summary>LibTorch's errors as a user reads them.</summary>
public static class TorchErrors
{
    private const string InScript = "RuntimeError: ";

    private static readonly string[] s_noise = ["Exception raised from", "frame #"];

    /// <summary>The first line of an error's message that says something, without LibTorch's back-trace.</summary>
    public static string FirstLine(Exception error)
    {
        string text = error.Message;
        foreach (string noise in s_noise)
        {
            int at = text.IndexOf(noise, StringComparison.Ordinal);
            if (at > 0) text = text[..at];
        }

        // A script's error comes last, behind the lines of the script that led to it.
        int script = text.LastIndexOf(InScript, StringComparison.Ordinal);
        if (script >= 0) text = text[(script + InScript.Length)..];

        string? line = text.Split('\n').Select(part => part.Trim()).FirstOrDefault(part => part.Length > 0);
        return line?.TrimEnd('.') ?? error.GetType().Name;
    }
}
