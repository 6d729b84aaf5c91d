using Parry.Data.Images;
using Parry.Reports;

namespace Parry.Cli.Reproducing.Figures;

/// <summary>Draws the figures of an experiment from what its commands made.</summary>
/// <param name="made">What they made.</param>
/// <param name="settings">The settings of the mode.</param>
internal sealed class FigureReader(MadeResults made, IReadOnlyDictionary<string, string> settings)
{
    /// <summary>What the figures of an experiment need to be made.</summary>
    public static IEnumerable<string> Targets(Experiment experiment) =>
        from figure in experiment.Figures
        from target in figure
            .Rows.Select(row => row.From)
            .Concat(figure.Panels.SelectMany(panel => new[] { panel.Ours.From, panel.Adaptive.From }))
        select target;

    /// <summary>The figures that can be drawn, as SVG.</summary>
    public IEnumerable<(ExperimentFigure Figure, string Drawing)> Draw(Experiment experiment)
    {
        foreach (ExperimentFigure figure in experiment.Figures)
        {
            if (Draw(figure) is { } drawing)
                yield return (figure, drawing);
        }
    }

    private string? Draw(ExperimentFigure figure)
    {
        DrawnPanel[] panels = [.. figure.Panels.Select(Panel)];
        if (panels.Any(panel => panel.Curves.Any(curve => curve.Ours is not null)))
            return RocFigure.Draw(figure.Caption, panels);
        IReadOnlyList<DrawnPicture>[] rows = [.. figure.Rows.Select(Row).Where(row => row.Count > 0)];
        return rows.Length > 0 ? PictureFigure.Draw(figure.Caption, rows) : null;
    }

    private DrawnPanel Panel(RocPanel panel) =>
        new(panel.Parameter, panel.Fixed, [.. panel.Values.Select(value => Curve(panel, value))]);

    private DrawnCurve Curve(RocPanel panel, string value)
    {
        var variables = new Dictionary<string, string> { [panel.Parameter] = value };
        return new DrawnCurve(
            value,
            made.Curve(panel.Ours.Filled(variables, settings)),
            made.Curve(panel.Adaptive.Filled(variables, settings))
        );
    }

    private IReadOnlyList<DrawnPicture> Row(PictureRow row) =>
        made.Has(row.From)
            ?
            [
                .. row
                    .Pictures.Where(picture => File.Exists(made.PathOf(picture.File)))
                    .Select(picture => Picture(row, picture)),
            ]
            : [];

    /// <summary>Reads a picture and its texts.</summary>
    internal DrawnPicture Picture(PictureRow row, FigurePicture picture)
    {
        var (shape, planes) = ImageFile.Read(made.PathOf(picture.File));
        var (part, cut) = Cut(shape, planes, picture.Part);
        return new DrawnPicture(part, cut, [picture.Caption, .. Score(row, picture)]);
    }

    private IEnumerable<string> Score(PictureRow row, FigurePicture picture)
    {
        if (picture.Score is null || made.Json(row.From, picture.Score) is not { } score)
            yield break;
        yield return score.GetProperty("name").GetString()!;
        yield return ReportText.Percent(score.GetProperty("probability").GetDouble());
    }

    private static (ImageShape Shape, byte[] Planes) Cut(ImageShape shape, byte[] planes, IReadOnlyList<int> part)
    {
        var (left, top) = (part[0], part[1]);
        ImageShape cut = shape with { Width = part[2], Height = part[3] };
        var values = new byte[cut.Pixels];
        for (int line = 0; line < cut.Channels * cut.Height; line++)
        {
            var (channel, y) = Math.DivRem(line, cut.Height);
            int from = (((channel * shape.Height) + top + y) * shape.Width) + left;
            planes.AsSpan(from, cut.Width).CopyTo(values.AsSpan(line * cut.Width));
        }

        return (cut, values);
    }
}
