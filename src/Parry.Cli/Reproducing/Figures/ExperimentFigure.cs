namespace Parry.Cli.Reproducing.Figures;

/// <summary>A figure of an experiment: ROC curves, or rows of pictures.</summary>
internal sealed record ExperimentFigure
{
    /// <summary>The name of its file, which ends in .svg.</summary>
    public required string File { get; init; }

    /// <summary>What it shows.</summary>
    public required string Caption { get; init; }

    /// <summary>ROC curves, a panel for each parameter that is varied.</summary>
    public IReadOnlyList<RocPanel> Panels { get; init; } = [];

    /// <summary>Rows of pictures.</summary>
    public IReadOnlyList<PictureRow> Rows { get; init; } = [];
}

/// <summary>The ROC curves of a detector at each value of a parameter.</summary>
internal sealed record RocPanel
{
    /// <summary>The parameter, which is a variable of the sources.</summary>
    public required string Parameter { get; init; }

    /// <summary>What does not vary, in words.</summary>
    public required string Fixed { get; init; }

    /// <summary>The values of the parameter.</summary>
    public required IReadOnlyList<string> Values { get; init; }

    /// <summary>Where the curve of each value comes from.</summary>
    public required NumberSource Ours { get; init; }

    /// <summary>Where that of an attacker who evades the detector comes from.</summary>
    public required NumberSource Adaptive { get; init; }
}

/// <summary>Pictures side by side that one command made.</summary>
internal sealed record PictureRow
{
    /// <summary>What the command makes, after which the pictures are there.</summary>
    public required string From { get; init; }

    /// <summary>The pictures.</summary>
    public required IReadOnlyList<FigurePicture> Pictures { get; init; }
}

/// <summary>One picture, or a part of one.</summary>
internal sealed record FigurePicture
{
    /// <summary>The PNG file; the picture is left out where a mode does not make it.</summary>
    public required string File { get; init; }

    /// <summary>The part that is shown: left, top, width and height.</summary>
    public required IReadOnlyList<int> Part { get; init; }

    /// <summary>The text below it.</summary>
    public required string Caption { get; init; }

    /// <summary>
    /// The way to a class with its probability in the JSON that the command prints, which is a second line of the
    /// caption; null for none.
    /// </summary>
    public string? Score { get; init; }
}
