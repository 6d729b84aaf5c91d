namespace Parry.Cli;

/// <summary>Shows on the progress line what share of some work is done.</summary>
internal sealed class ShareProgress(ProgressLine line, string work) : IProgress<double>
{
    public void Report(double value) => line.Show(() => $"{work}: {value * 100:0} %  {line.TimeLeft(value)}");
}
