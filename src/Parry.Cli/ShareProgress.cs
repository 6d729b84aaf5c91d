namespace Parry.Cli;

/// <summary>Shows the finished share of some work on the progress line.</summary>
internal sealed class ShareProgress(ProgressLine line, string work) : IProgress<double>
{
    public void Report(double value) => line.Show(() => $"{work}: {value * 100:0} %  {line.TimeLeft(value)}");
}
