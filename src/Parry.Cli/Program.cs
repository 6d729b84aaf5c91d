using System.Runtime.InteropServices;
using Parry.Cli;

using var stop = new CancellationTokenSource();
using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
return await ParryCommand.RunAsync(args, Console.Out, Console.Error, stop.Token);

// The first signal lets the work stop cleanly; a second one ends the process as usual.
void Stop(PosixSignalContext signal)
{
    if (stop.IsCancellationRequested) return;
    signal.Cancel = true;
    stop.Cancel();
}
