using System.Globalization;
using Parry.Data.Files;
using Parry.Data.Images;
using Parry.Data.Published;

namespace Parry.Data;

/// <summary>
/// CelebA (Liu, Luo, Wang and Tang 2015, arXiv:1411.7766) as published: the aligned photos of 178x218 pixels, the list
/// of 40 attributes and the list of partitions. One attribute defines the two classes: 0 without it, 1 with it.
/// </summary>
/// <remarks>
/// If the model takes images of 64x64 pixels, or its shape is unknown, the middle 108x108 pixels are resized to 64x64,
/// as for DCGAN (Radford et al. 2015, arXiv:1511.06434) and Defense-GAN (Samangouei et al. 2018, arXiv:1805.06605). For
/// other models the photos are prepared like all pictures (<see cref="ImagePreparation"/>).
/// </remarks>
public sealed class CelebA : IImageSource
{
    /// <summary>The attribute that defines the classes by default, as in the papers.</summary>
    public const string DefaultAttribute = "Male";

    private const string SetName = "celeba";
    private const string AttributeList = "list_attr_celeba.txt";
    private const string PartitionList = "list_eval_partition.txt";
    private const string Photos = "img_align_celeba";
    private const int MostPhotos = 1_000_000;
    private const int Face = 108;
    private const int Side = 64;

    private static readonly ImageShape s_photo = new(3, 218, 178);

    private readonly ImagePreparation _preparation;
    private readonly string _attribute;

    /// <summary>Creates the set; its files are searched when it is loaded.</summary>
    /// <param name="attribute">One of <see cref="Attributes"/>, ignoring case.</param>
    /// <param name="preparation">How the model takes its images; null if that is not known.</param>
    /// <exception cref="UserErrorException">There is no such attribute.</exception>
    public CelebA(string attribute = DefaultAttribute, ImagePreparation? preparation = null)
    {
        _attribute =
            Attributes.FirstOrDefault(name => name.Equals(attribute, StringComparison.OrdinalIgnoreCase))
            ?? throw new UserErrorException(
                $"CelebA has no attribute \"{PlainText.Excerpt(attribute)}\""
                    + $"{NearestName.Hint(attribute, Attributes)}; its attributes: {string.Join(", ", Attributes)}"
            );
        _preparation = preparation ?? new ImagePreparation();
        ClassNames = NamesOf(_attribute);
        Shape = _preparation.Shape is null ? new ImageShape(3, Side, Side) : Pictures.Shape(_preparation, [], SetName);
    }

    /// <summary>The attributes, spelled as in the published list.</summary>
    public static IReadOnlyList<string> Attributes { get; } =
    [
        "5_o_Clock_Shadow",
        "Arched_Eyebrows",
        "Attractive",
        "Bags_Under_Eyes",
        "Bald",
        "Bangs",
        "Big_Lips",
        "Big_Nose",
        "Black_Hair",
        "Blond_Hair",
        "Blurry",
        "Brown_Hair",
        "Bushy_Eyebrows",
        "Chubby",
        "Double_Chin",
        "Eyeglasses",
        "Goatee",
        "Gray_Hair",
        "Heavy_Makeup",
        "High_Cheekbones",
        "Male",
        "Mouth_Slightly_Open",
        "Mustache",
        "Narrow_Eyes",
        "No_Beard",
        "Oval_Face",
        "Pale_Skin",
        "Pointy_Nose",
        "Receding_Hairline",
        "Rosy_Cheeks",
        "Sideburns",
        "Smiling",
        "Straight_Hair",
        "Wavy_Hair",
        "Wearing_Earrings",
        "Wearing_Hat",
        "Wearing_Lipstick",
        "Wearing_Necklace",
        "Wearing_Necktie",
        "Young",
    ];

    /// <summary>The data set; <see cref="CelebA"/> is its images with one attribute.</summary>
    public static PublishedData Published { get; } =
        new Description
        {
            Name = SetName,
            Title = "CelebA",
            FolderAliases = ["CelebA"],
            Shape = new ImageShape(3, Side, Side),
            ClassNames = NamesOf(DefaultAttribute),
            License = "non-commercial research only, MMLAB, The Chinese University of Hong Kong",
            Citation = "Liu, Luo, Wang, Tang: Deep learning face attributes in the wild, 2015",
        };

    /// <inheritdoc/>
    public string Name => SetName;

    /// <inheritdoc/>
    public string Title => $"CelebA ({_attribute})";

    /// <inheritdoc/>
    public ImageShape Shape { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> ClassNames { get; }

    /// <inheritdoc/>
    public ImageSet Load(DataPart part, Split split, string? dataDir = null, int? count = null)
    {
        string folder = DataLocator.Find(Published, part, dataDir);
        string photos = PathOf(folder, Photos, "Img")!;
        HashSet<string> members = Members(PathOf(folder, PartitionList, "Eval")!, part);
        List<Picture> pictures =
        [
            .. Labeled(PathOf(folder, AttributeList, "Anno")!)
                .Where(photo => members.Contains(photo.File))
                .Select(photo => photo with { File = Path.Combine(photos, photo.File) }),
        ];
        string name = $"{SetName} {part.ToString().ToLowerInvariant()}";
        if (pictures.Count == 0)
            throw new UserErrorException(
                $"{folder}: expected photos of {name} in both lists, got none: get the original lists again"
            );
        PictureSet set = _preparation.SetOf(name, pictures, Shape, ClassNames);
        if ((Shape.Height, Shape.Width) == (Side, Side))
        {
            string change = $"cut to the middle {Face}x{Face} and resized to {Side}x{Side} pixels";
            set = set with { Prepare = CropFace, Change = change };
        }

        return set.Load(count);
    }

    private static string[] NamesOf(string attribute) => [$"not {attribute}", attribute];

    private static byte[] CropFace(byte[] planes, ImageShape from, ImageShape to)
    {
        if (from != s_photo)
            throw new UserErrorException(
                $"expected CelebA's aligned photos of {s_photo}, got one of {from}: get the original photos again"
            );
        byte[] face = Resize.CenterCrop(planes, from, Face, Face);
        byte[] small = Resize.Bilinear(face, new ImageShape(from.Channels, Face, Face), Side, Side);
        return Planes.Convert(small, from.Channels, to.Channels);
    }

    private static string? PathOf(string folder, string name, string inside) =>
        new[] { Path.Combine(folder, name), Path.Combine(folder, inside, name) }.FirstOrDefault(Path.Exists);

    /// <summary>
    /// Reads the photos of the part: lines with a file's name and 0 (training), 1 (validation) or 2 (test).
    /// </summary>
    private static HashSet<string> Members(string list, DataPart part)
    {
        var members = new HashSet<string>(StringComparer.Ordinal);
        string wanted = ((int)part).ToString(CultureInfo.InvariantCulture);
        foreach (var (line, words) in Lines(list))
        {
            if (words is not [var file, "0" or "1" or "2"])
                throw Wrong(list, line, "a photo's name and its partition 0, 1 or 2", words);
            if (words[1] == wanted && !members.Add(PhotoName(list, line, file)))
                throw Wrong(list, line, "each photo once", words);
        }

        return members;
    }

    /// <summary>
    /// Reads the photos and whether each has the attribute (-1 or 1 in its column). The list has a line with the number
    /// of photos, one with the attributes' names, and one for each photo.
    /// </summary>
    private IEnumerable<Picture> Labeled(string list)
    {
        int column = 0;
        int columns = 0;
        foreach (var (line, words) in Lines(list))
        {
            if (line == 1)
                continue;
            if (line == 2)
            {
                columns = words.Length + 1;
                column = Array.IndexOf(words, _attribute) + 1;
                if (column == 0)
                    throw Wrong(list, line, $"the names of the attributes with {_attribute} among them", words);
                continue;
            }

            if (words.Length != columns || words[column] is not ("1" or "-1"))
                throw Wrong(list, line, $"a photo's name and -1 or 1 for each of {columns - 1} attributes", words);
            yield return new Picture(
                PhotoName(list, line, words[0]),
                words[column] == "1" ? 1 : 0,
                $"{list} line {line}: "
            );
        }
    }

    private static IEnumerable<(int Line, string[] Words)> Lines(string list)
    {
        using var reader = new StringReader(TextFile.Read(list));
        for (int line = 1; reader.ReadLine() is { } text; line++)
        {
            if (line > MostPhotos)
                throw new UserErrorException(
                    $"{list}: expected at most {MostPhotos} lines, got more: get the original list again"
                );
            string[] words =
                text.Length <= 1000 || line == 2 && text.Length <= 4000
                    ? text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)
                    : throw Wrong(list, line, "lines of at most 1000 letters", [text]);
            if (words.Length > 0)
                yield return (line, words);
        }
    }

    // A name must not lead out of the photos' folder.
    private static string PhotoName(string list, int line, string file) =>
        Pictures.IsPicture(file) && !file.AsSpan().ContainsAny('/', '\\')
            ? file
            : throw Wrong(list, line, "the name of a photo, such as 000001.jpg", [file]);

    private static UserErrorException Wrong(string list, int line, string expected, string[] words) =>
        new(
            $"{list} line {line}: expected {expected}, got \"{PlainText.Excerpt(string.Join(' ', words.Take(10)))}\": "
                + "get the original list again"
        );

    private sealed class Description : PublishedData
    {
        public override bool HasAttributes => true;

        // Its terms of use must be read first.
        public override string HowToGet =>
            $"read its terms at https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html, get {Photos}.zip, {AttributeList} "
            + $"and {PartitionList} there, and unpack them into {DataLocator.CacheFolder(this)}";

        public override IImageSource Open(ImagePreparation? preparation = null, string? attribute = null) =>
            new CelebA(attribute ?? DefaultAttribute, preparation);

        internal override bool HasFiles(string folder, DataPart part) =>
            PathOf(folder, AttributeList, "Anno") is not null
            && PathOf(folder, PartitionList, "Eval") is not null
            && PathOf(folder, Photos, "Img") is not null;
    }
}
