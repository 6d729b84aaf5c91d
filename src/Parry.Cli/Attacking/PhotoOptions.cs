using System.CommandLine;
using Parry.Data;
using Parry.Models;

namespace Parry.Cli.Attacking;

/// <summary><c>--image</c> and <c>--label</c> of <c>parry attack</c>: single photos in place of a data set.</summary>
internal sealed class PhotoOptions
{
    /// <summary>The default folder for the pictures.</summary>
    public const string DefaultFolder = "out/attack";

    /// <summary>The photos.</summary>
    public Option<string[]> Image { get; } =
        new("--image")
        {
            Description =
                "A photo to attack in place of --data, PNG, JPEG, WebP, BMP or GIF; resized and cropped to the model's "
                + "size. A name that is not here is looked for in $PARRY_DATA. May be given several times.",
            HelpName = "FILE",
            AllowMultipleArgumentsPerToken = true,
        };

    /// <summary>Their classes.</summary>
    public Option<string[]> Label { get; } =
        new("--label")
        {
            Description =
                "The photo's true class, a name or a number: one for each --image or "
                + "one for all (default: the model's own prediction).",
            HelpName = "CLASS",
            AllowMultipleArgumentsPerToken = true,
        };

    /// <summary>Whether photos were given; options that contradict them are refused.</summary>
    /// <exception cref="UserErrorException">A data set was given too, or labels without photos.</exception>
    public bool AreGiven(ParseResult parsed, DataOptions data)
    {
        bool given = parsed.GetValue(Image) is { Length: > 0 };
        if (given && data.IsGiven(parsed))
            throw new UserErrorException("expected --data or --image, got both: give one of them");
        if (!given && parsed.GetValue(Label) is { Length: > 0 })
            throw new UserErrorException("expected --label only with --image: data sets have their own labels");
        return given;
    }

    /// <summary>Loads the photos for a model.</summary>
    public PhotoRun Load(ParseResult parsed, DataOptions data, ModelRequest request, OpenedModel opened)
    {
        string[] files = parsed.GetRequiredValue(Image);
        string[] labels = parsed.GetValue(Label) ?? [];
        return new PhotoRun
        {
            Model = opened.Model,
            Photos = Photos.Load(
                [.. files.Select(DataLocator.FileOf)],
                labels,
                opened.Model.Shape,
                request.ClassNames(opened),
                data.Preparation(parsed)
            ),
            Files = files,
            ModelNotes = opened.Notes,
            Labeled = labels.Length > 0,
        };
    }
}
