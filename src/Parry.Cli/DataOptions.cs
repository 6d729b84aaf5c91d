using System.CommandLine;
using Parry.Data;
using Parry.Models;
using Parry.Models.Files;

namespace Parry.Cli;

/// <summary>
/// The options that name the images and say how they are read: <c>--data</c>, <c>--data-dir</c>, <c>--attribute</c>,
/// <c>--exif-rotate</c> and <c>--labels-from</c>.
/// </summary>
internal sealed class DataOptions
{
    private readonly Option<string?> _data;
    private readonly Option<string?> _dataDir = Arguments.DataDir();
    private readonly Option<string?> _attribute = new("--attribute")
    {
        Description = $"The attribute that defines CelebA's classes (default: {CelebA.DefaultAttribute}).",
        HelpName = "NAME",
    };

    private readonly Option<bool> _exifRotate = new("--exif-rotate")
    {
        Description =
            "Turn pictures as their camera orientation (EXIF) says; otherwise it is ignored, as in torchvision.",
    };

    private readonly Option<int> _labelsFrom = Arguments.Number(
        "--labels-from",
        "The number of the first class where a folder or a .csv file has numbers for labels, such as 1.",
        0,
        0
    );

    /// <summary>Makes the options.</summary>
    /// <param name="required">Whether the images must be given.</param>
    /// <param name="name">The name of the option.</param>
    /// <param name="what">What the images are, before the list of the sets.</param>
    public DataOptions(bool required = true, string name = "--data", string what = "The images:") =>
        _data = new(name)
        {
            Description =
                $"{what} {Arguments.OneOf(DataSets.All.Select(set => set.Name))}, a folder of class folders, or "
                + "a .csv file of files and labels.",
            HelpName = "DATA",
            Required = required,
        };

    /// <summary>Adds them to a verb.</summary>
    public void AddTo(Command verb)
    {
        foreach (Option option in (Option[])[_data, _dataDir, _attribute, _exifRotate, _labelsFrom])
            verb.Add(option);
    }

    /// <summary>Whether <c>--data</c> was given.</summary>
    public bool IsGiven(ParseResult result) => result.GetValue(_data) is not null;

    /// <summary>The images that the options name.</summary>
    /// <exception cref="UserErrorException">None were given.</exception>
    public DataRequest Request(ParseResult result) =>
        new(
            result.GetValue(_data)
                ?? throw new UserErrorException("expected --data with images, or --image with single photos"),
            result.GetValue(_attribute),
            Preparation(result)
        );

    /// <summary>How pictures are read, whatever the model.</summary>
    public ImagePreparation Preparation(ParseResult result) =>
        new() { ExifRotate = result.GetValue(_exifRotate), LabelsFrom = result.GetValue(_labelsFrom) };

    /// <summary>The folder to search first for the data set; null if none was given.</summary>
    public string? Folder(ParseResult result) => result.GetValue(_dataDir);

    /// <summary>Opens the named images, prepared for a model.</summary>
    /// <param name="result">The command line.</param>
    /// <param name="model">The model that takes them: a file or the name of one that ships; null if there is no model
    /// yet.</param>
    /// <exception cref="UserErrorException">There are no such images, or no such model.</exception>
    public IImageSource Open(ParseResult result, string? model = null)
    {
        DataRequest data = Request(result);

        // Files other than Parry's own do not say what they take.
        return
            model is null
            || DataSets.Find(data.Name) is DataSet
            || !ModelCatalog.Find(model).EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase)
            ? data.Open()
            : OpenFor(data, ModelFile.Describe(ModelCatalog.Find(model)));
    }

    /// <summary>
    /// The first test images of a set: the requested or the default number, or all if there are fewer.
    /// </summary>
    /// <param name="result">The command line.</param>
    /// <param name="set">The set.</param>
    /// <param name="count">The option with the number of images.</param>
    public ImageSet LoadTest(ParseResult result, IImageSource set, Option<int> count) =>
        Load(result, set, DataPart.Test, result.GetValue(count));

    /// <summary>Loads images of a set.</summary>
    /// <param name="result">The command line.</param>
    /// <param name="set">The set.</param>
    /// <param name="part">The part.</param>
    /// <param name="count">The number of images, starting with the first; null for all.</param>
    public ImageSet Load(ParseResult result, IImageSource set, DataPart part, int? count = null) =>
        set.Load(part, Split.DefenseGan, Folder(result), count);

    private static IImageSource OpenFor(DataRequest data, ModelDescription model) =>
        data.Open(model.Shape, model.ClassNames.Count > 0 ? model.ClassNames : null);
}
