using Spectre.Console;

namespace Parry.Cli.Measuring;

/// <summary>The table of a generator's measures in the terminal, one per line.</summary>
internal static class QualityTable
{
    /// <summary>Makes the table.</summary>
    public static Table Of(QualityReport report)
    {
        Table table = Output.Table(["measure", ">best", .. report.Rows.Select(row => ">" + row.Source)]);
        int classes = report.Rows[0].Modes.Shares.Count;
        Row("FID to the test images", "0", row => $"{row.Fid:0.00}");
        Row("classifier score, 10 splits", $"{classes}", row => $"{row.Score.Mean:0.00} ± {row.Score.Deviation:0.00}");
        Row("classes of at least 1 %", $"{classes}", row => $"{row.Modes.Covered}");
        Row("KL of the classes to uniform", "0", row => $"{row.Modes.Divergence:0.000}");
        Row("confident (largest probability above 0.95)", "100 %", row => $"{row.Modes.Confident * 100:0.0} %");
        Row("precision", "1", row => $"{row.Neighborhoods.Precision:0.000}");
        Row("recall", "1", row => $"{row.Neighborhoods.Recall:0.000}");
        Row("density", "1", row => $"{row.Neighborhoods.Density:0.000}");
        Row("coverage", "1", row => $"{row.Neighborhoods.Coverage:0.000}");
        Row("distance to the nearest training image, median", "as real", row => $"{row.TrainingDistance:0.00}");
        Row("the smallest of them", "as real", row => $"{row.NearestTraining:0.00}");
        Row("closest pair of a tenth of the samples, median", "as real", row => $"{row.ClosestPair:0.00}");
        Row("tenths with a pair closer than any real one", "0 %", Duplicates);
        if (report.Reconstructed > 0)
            Row(
                $"squared error per pixel of {report.Reconstructed} reconstructed test images",
                "0",
                row => $"{row.ReconstructionError:0.0000}"
            );
        return table;

        void Row(string measure, string best, Func<QualityRow, string> value) =>
            table.AddCells([measure, best, .. report.Rows.Select(value)]);
    }

    /// <summary>The share of each class among the generator's images.</summary>
    public static string ClassesOf(QualityReport report) =>
        string.Join(", ", report.Rows[0].Modes.Shares.Select((share, label) => $"{label} {share * 100:0.0} %"));

    private static string Duplicates(QualityRow row)
    {
        string support = row.Support is { } images ? $" (about {images:0} images)" : "";
        return $"{row.DuplicateShare * 100:0} %{support}";
    }
}
