using System.Globalization;

namespace Parry.Cli.Attacking;

/// <summary>Shows on the progress line how far an attack is.</summary>
internal sealed class Shares(ProgressLine line, string name) : IProgress<double>
{
    public void Report(double value) =>
        line.Show(() =>
            string.Create(CultureInfo.InvariantCulture, $"{name}: {value * 100:0} %  {line.TimeLeft(value)}")
        );
}
