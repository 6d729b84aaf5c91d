using System.Globalization;

namespace Parry.Runtime;

/// <summary>
/// Bounds the time of one pass through a network of a file, whose author may have meant it never to end. The whole
/// process has one limit. A pass cannot be stopped from outside, so whoever sets a limit says what happens then.
/// </summary>
public static class PassTimeout
{
    private static int s_exceeded;

    /// <summary>The longest time of one pass; null for no limit.</summary>
    public static TimeSpan? Limit { get; set; }

    /// <summary>Called once, on another thread, when a pass takes longer, with a line that says so.</summary>
    public static Action<string>? Exceeded { get; set; }

    /// <summary>Whether a pass took longer.</summary>
    public static bool IsExceeded => Volatile.Read(ref s_exceeded) != 0;

    /// <summary>Watches over a pass until disposed.</summary>
    /// <param name="model">The name of the network.</param>
    internal static IDisposable? Watch(string model)
    {
        if (Limit is not { } limit)
            return null;
        string seconds = limit.TotalSeconds.ToString("0.###", CultureInfo.InvariantCulture);
        return new Timer(
            _ =>
            {
                if (Interlocked.Exchange(ref s_exceeded, 1) == 0)
                    Exceeded?.Invoke($"one pass of {model} took more than {seconds} s (--timeout)");
            },
            null,
            limit,
            Timeout.InfiniteTimeSpan
        );
    }
}
