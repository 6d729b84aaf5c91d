using System.Diagnostics;
using System.Runtime.InteropServices;
using Parry.Cli;
using Parry.Models.TorchScript;

if (args is [TorchScriptProbe.Argument, ..])
    return TorchScriptProbe.Answer(args, Console.Out);
long stopped = 0;
using var stop = new CancellationTokenSource();
using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
using var hungUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Stop);
return await ParryCommand.RunAsync(args, Console.Out, Console.Error, stop.Token);

// The first signal lets the work stop cleanly; a later one ends the process as usual. A second one that comes
// immediately is the same stop, sent to both the process and its group.
void Stop(PosixSignalContext signal)
{
    if (stop.IsCancellationRequested && Stopwatch.GetElapsedTime(stopped) > TimeSpan.FromSeconds(0.3))
        return;
    signal.Cancel = true;
    if (stop.IsCancellationRequested)
        return;
    stopped = Stopwatch.GetTimestamp();
    stop.Cancel();
}
