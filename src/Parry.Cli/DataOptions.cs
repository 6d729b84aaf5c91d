using System.CommandLine;
using Parry.Data;
using Parry.Models;
using Parry.Models.Files;

namespace Parry.Cli;

/// <summary>The options that name the images: <c>--data</c>, <c>--data-dir</c> and <c>--attribute</c>.</summary>
internal sealed class DataOptions
{
    private readonly Option<string?> _data;
    private readonly Option<string?> _dataDir = Arguments.DataDir();
    private readonly Option<string?> _attribute = new("--attribute")
    {
        Description = $"The attribute that defines CelebA's classes (default: {CelebA.DefaultAttribute}).",
        HelpName = "NAME",
    };

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
        foreach (Option option in (Option[])[_data, _dataDir, _attribute])
            verb.Add(option);
    }

    /// <summary>The value of <c>--data</c>.</summary>
    /// <exception cref="UserErrorException">It was not given.</exception>
    public string Text(ParseResult result) =>
        result.GetValue(_data)
        ?? throw new UserErrorException("expected --data with images, or --image with single photos");

    /// <summary>Whether <c>--data</c> was given.</summary>
    public bool IsGiven(ParseResult result) => result.GetValue(_data) is not null;

    /// <summary>The value of <c>--attribute</c>; null if it was not given.</summary>
    public string? Attribute(ParseResult result) => result.GetValue(_attribute);

    /// <summary>The folder to search first for the data set; null if none was given.</summary>
    public string? Folder(ParseResult result) => result.GetValue(_dataDir);

    /// <summary>Opens the named images, prepared for a model.</summary>
    /// <param name="result">The command line.</param>
    /// <param name="model">The model that takes them: a file or the name of one that ships; null if there is no model
    /// yet.</param>
    /// <exception cref="UserErrorException">There are no such images, or no such model.</exception>
    public IImageSource Open(ParseResult result, string? model = null) =>
        DataSets.Open(
            Text(result),
            model is null || DataSets.Find(Text(result)) is DataSet ? null : PreparationOf(model),
            Attribute(result)
        );

    /// <summary>
    /// The first test images of a set: the requested number, or, if none was requested, the default number or fewer.
    /// </summary>
    /// <param name="result">The command line.</param>
    /// <param name="set">The set.</param>
    /// <param name="count">The option with the number of images.</param>
    public ImageSet LoadTest(ParseResult result, IImageSource set, Option<int> count) =>
        Load(result, set, DataPart.Test, result.GetValue(count), orFewer: result.IsDefault(count));

    /// <summary>Loads images of a set.</summary>
    /// <param name="result">The command line.</param>
    /// <param name="set">The set.</param>
    /// <param name="part">The part.</param>
    /// <param name="count">The number of images, starting with the first; null for all.</param>
    /// <param name="orFewer">Whether fewer images are accepted if there are not enough.</param>
    public ImageSet Load(
        ParseResult result,
        IImageSource set,
        DataPart part,
        int? count = null,
        bool orFewer = false
    ) => set.Load(part, Split.DefenseGan, Folder(result), count, orFewer);

    // TorchScript files do not say what they take.
    private static ImagePreparation? PreparationOf(string model)
    {
        if (ModelCatalog.Find(model) is var path && !path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase))
            return null;
        ModelDescription description = ModelFile.Describe(path);
        return new ImagePreparation
        {
            Shape = description.Shape,
            ClassNames = description.ClassNames.Count > 0 ? description.ClassNames : null,
        };
    }
}
