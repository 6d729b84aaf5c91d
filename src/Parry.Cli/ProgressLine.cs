using System.CommandLine;
using System.Diagnostics;

namespace Parry.Cli;

/// <summary>
/// Progress on standard error: on a terminal one line that is redrawn and erased at the end; elsewhere, such as in a
/// log file, a plain line twice a minute.
/// </summary>
internal sealed class ProgressLine : IDisposable
{
    private const string Erase = "\r\u001b[K";

    private readonly PlainWriter _error;
    private readonly bool _terminal;
    private readonly TimeSpan _interval;
    private readonly Stopwatch _sinceStart = Stopwatch.StartNew();
    private readonly Lock _lock = new();
    private TimeSpan _next;

    private ProgressLine(TextWriter given)
    {
        _error = given as PlainWriter ?? new PlainWriter(given);
        _terminal = _error.IsTerminal && Environment.GetEnvironmentVariable("TERM") != "dumb";
        _interval = _terminal ? TimeSpan.FromSeconds(0.1) : TimeSpan.FromSeconds(30);
        _next = _terminal ? TimeSpan.Zero : _interval;
    }

    /// <summary>The progress of this run.</summary>
    public static ProgressLine Of(ParseResult result) => new(result.InvocationConfiguration.Error);

    /// <summary>Shows a text if an update is due; the text is made only then.</summary>
    public void Show(Func<string> text)
    {
        lock (_lock)
        {
            TimeSpan now = _sinceStart.Elapsed;
            if (now < _next)
                return;
            _next = now + _interval;
            if (!_terminal)
            {
                _error.WriteLine(text());
                return;
            }

            string line = PlainText.Escape(text());
            _error.WriteRaw(Erase + line[..Math.Min(line.Length, Output.TerminalWidth - 1)]);
        }
    }

    /// <summary>Writes a line that stays.</summary>
    public void Say(string text)
    {
        lock (_lock)
        {
            try
            {
                _error.WriteLine(_terminal ? Erase + text : text);
            }
            catch (IOException)
            {
                // The terminal has gone.
            }
        }
    }

    /// <summary>
    /// The estimated remaining time, such as "3 min left", of work that began at one share and has reached another.
    /// </summary>
    public string TimeLeft(double done, double begun = 0) =>
        done > begun ? $"{Duration(_sinceStart.Elapsed * ((1 - done) / (done - begun)))} left" : "";

    /// <summary>Formats a duration in its one or two largest units.</summary>
    public static string Duration(TimeSpan time) =>
        time switch
        {
            { TotalMinutes: < 1 } => $"{(int)time.TotalSeconds} s",
            { TotalHours: < 1 } => $"{time.Minutes} min {time.Seconds} s",
            _ => $"{(int)time.TotalHours} h {time.Minutes} min",
        };

    /// <summary>Erases the line.</summary>
    public void Dispose()
    {
        if (_terminal)
            _error.WriteRaw(Erase);
    }
}
