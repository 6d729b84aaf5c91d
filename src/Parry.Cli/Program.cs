using System.Diagnostics;
using System.Runtime.InteropServices;
using Parry.Cli;
using Parry.Models.TorchScript;

if (args is [TorchScriptProbe.Argument, ..])
    return TorchScriptProbe.Answer(args, Console.Out);
const int UserSignal = 10; // SIGUSR1, which job schedulers send before the time is over.
long stopped = 0;
using var stop = new CancellationTokenSource();
using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
using var hungUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Stop);
using var warned = OperatingSystem.IsLinux() ? PosixSignalRegistration.Create((PosixSignal)UserSignal, Stop) : null;
return await ParryCommand.RunAsync(args, Console.Out, Console.Error, stop.Token);

// The first signal lets the work stop cleanly; a later one ends the process as usual. A second one that comes
// immediately is the same stop, sent to both the process and its group.
void Stop(PosixSignalContext signal)
{
    if (signal.Signal is PosixSignal.SIGTERM or (PosixSignal)UserSignal && Pausing.Ask())
    {
        signal.Cancel = true;
        return;
    }

    if (stop.IsCancellationRequested && Stopwatch.GetElapsedTime(stopped) > TimeSpan.FromSeconds(0.3))
        return;
    signal.Cancel = true;
    if (stop.IsCancellationRequested)
        return;
    stopped = Stopwatch.GetTimestamp();
    stop.Cancel();
}
