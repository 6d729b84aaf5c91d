using System.Globalization;
using System.Text.RegularExpressions;
using Parry.Data;
using Parry.Data.Formats;
using Parry.Data.Images;

namespace Parry.Evaluation.Verification;

/// <summary>
/// The adversarial images that some tool wrote: pictures and NumPy arrays in a folder, or one array of all images.
/// </summary>
/// <param name="Images">The images.</param>
/// <param name="Note">What the reader must know about them; null for nothing.</param>
/// <remarks>
/// A file belongs to the original of the same name (with its class folder, or alone where that is unambiguous), or else
/// to the one whose position in the set the file name begins with: <c>00012-7-3.png</c> to the thirteenth. Image i of
/// one array belongs to original i. Arrays are [C, H, W] or [H, W, C] for one image, with a first dimension for
/// several; without C where there is one channel. Where a folder holds an image as an array and as a picture, as
/// <c>parry attack --lossless</c> writes them, the array counts, which is exact.
/// </remarks>
public sealed partial record HandedInImages(IReadOnlyList<HandedInImage> Images, string? Note = null)
{
    /// <summary>Finds the images.</summary>
    /// <param name="path">A folder, or a file in NumPy's format.</param>
    /// <param name="originals">The set of their originals.</param>
    /// <exception cref="UserErrorException">There are none, or one belongs to no original.</exception>
    public static HandedInImages Find(string path, ImageSet originals)
    {
        if (File.Exists(path) && HasArray(path))
            return new HandedInImages(InArray(path, originals));
        if (!Directory.Exists(path))
            throw new UserErrorException(
                $"{path}: expected a folder of images or a {NpyFile.Extension} file, got neither: give one"
            );
        var index = new OriginalIndex(originals);
        string[] files =
        [
            .. Directory
                .EnumerateFiles(path, "*", SearchOption.AllDirectories)
                .Where(file => HasArray(file) || Pictures.IsPicture(file))
                .Order(StringComparer.Ordinal),
        ];
        if (files.Length == 0)
            throw new UserErrorException(
                $"{path}: expected {Pictures.Extensions} or {NpyFile.Extension} files, got none: give another folder"
            );
        HashSet<string> arrays = [.. files.Where(HasArray).Select(NameOfImage)];
        string[] counted = [.. files.Where(file => HasArray(file) || !arrays.Contains(NameOfImage(file)))];
        int twice = files.Length - counted.Length;
        string? note =
            twice == 0
                ? null
                : $"{twice} of {files.Length} files are pictures of images that are there as {NpyFile.Extension} "
                    + "arrays, too: the arrays count, which are exact";
        return new HandedInImages([.. counted.Select(file => InFile(file, Path.GetRelativePath(path, file)))], note);

        HandedInImage InFile(string file, string name) =>
            new(
                name,
                index.Of(name),
                () => HasArray(file) ? OneOf(file, originals.Shape) : Picture(file, originals.Shape)
            );
    }

    // An attack names files NUMBER-TRUE-PREDICTED, and rounding may change what is predicted.
    private static string NameOfImage(string file)
    {
        string name = Path.ChangeExtension(file, null);
        return NameOfAttack().IsMatch(Path.GetFileName(name)) ? name[..name.LastIndexOf('-')] : name;
    }

    [GeneratedRegex(@"\A[0-9]+-[0-9]+-[0-9]+\z", RegexOptions.NonBacktracking)]
    private static partial Regex NameOfAttack();

    private static HandedInImage[] InArray(string path, ImageSet originals)
    {
        var (shape, values) = NpyFile.Read(path);
        bool last = ChannelsAreLast(path, shape, originals.Shape, several: true);
        int count = shape[0];
        if (count > originals.Count)
            throw new UserErrorException(
                $"{path}: expected at most {originals.Count} images, one for each original, got {count}: image i "
                    + "belongs to original i"
            );
        int size = originals.Shape.Pixels;
        return
        [
            .. Enumerable
                .Range(0, count)
                .Select(i => new HandedInImage(
                    $"{Path.GetFileName(path)}[{i}]",
                    i,
                    () => Planes(values.AsSpan(i * size, size), originals.Shape, last)
                )),
        ];
    }

    private static HandedInValues OneOf(string file, ImageShape shape)
    {
        var (sizes, values) = NpyFile.Read(file);
        bool last = ChannelsAreLast(file, sizes, shape, several: false);
        return Planes(values, shape, last);
    }

    // A resized picture would no longer hold the perturbation that was made.
    private static HandedInValues Picture(string file, ImageShape shape)
    {
        DecodedPicture picture = ImageFile.Decode(file);
        ImageShape found = picture.Shape;
        if (found with { Channels = shape.Channels } != shape)
            throw new UserErrorException(
                $"{file}: expected {shape.Height}x{shape.Width} pixels as the model takes them, got "
                    + $"{found.Height}x{found.Width}: save adversarial images in the size in which they were made"
            );
        var (values, level) = picture.Exact(shape.Channels);
        return new HandedInValues(values, level);
    }

    private static bool ChannelsAreLast(string file, int[] sizes, ImageShape shape, bool several)
    {
        int[] one = several ? sizes[Math.Min(1, sizes.Length)..] : sizes;
        if (one.SequenceEqual([shape.Channels, shape.Height, shape.Width]))
            return false;
        if (shape.Channels == 1 && one.SequenceEqual([shape.Height, shape.Width]))
            return false;
        if (one.SequenceEqual([shape.Height, shape.Width, shape.Channels]))
            return true;
        string expected = several ? $"Nx{shape}" : $"{shape}";
        throw new UserErrorException(
            $"{file}: expected an array of {expected} as the model takes them, got {string.Join("x", sizes)}"
        );
    }

    private static HandedInValues Planes(ReadOnlySpan<float> values, ImageShape shape, bool channelsLast)
    {
        if (!channelsLast)
            return new HandedInValues(values.ToArray());
        var planes = new float[values.Length];
        int area = shape.Height * shape.Width;
        for (int i = 0; i < values.Length; i++)
            planes[(i % shape.Channels * area) + (i / shape.Channels)] = values[i];
        return new HandedInValues(planes);
    }

    private static bool HasArray(string file) =>
        Path.GetExtension(file).Equals(NpyFile.Extension, StringComparison.OrdinalIgnoreCase);

    /// <summary>Finds originals by their names, with the class folder and alone, and by their positions.</summary>
    private sealed class OriginalIndex
    {
        private const int Ambiguous = -1;

        private readonly int _count;
        private readonly Dictionary<string, int> _byName = [];

        public OriginalIndex(ImageSet originals)
        {
            _count = originals.Count;
            foreach (var (position, file) in originals.Files.Index())
            {
                Add(InFolder(file), position);
                Add(Path.GetFileNameWithoutExtension(file), position);
            }
        }

        public int Of(string name)
        {
            if (
                _byName.GetValueOrDefault(InFolder(name), Ambiguous) is var same and not Ambiguous
                || (same = _byName.GetValueOrDefault(Path.GetFileNameWithoutExtension(name), Ambiguous))
                    is not Ambiguous
            )
                return same;
            string digits = string.Concat(Path.GetFileName(name).TakeWhile(char.IsAsciiDigit));
            if (
                int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
                && number < _count
            )
                return number;
            string names = _byName.Count > 0 ? "is that of one original, or " : "";
            throw new UserErrorException(
                $"{PlainText.Excerpt(name)}: expected a name that {names}begins with the position of the original, 0 "
                    + $"to {_count - 1}, such as 00012.png: rename it"
            );
        }

        private void Add(string name, int position) =>
            _byName[name] = _byName.TryGetValue(name, out int other) && other != position ? Ambiguous : position;

        private static string InFolder(string file) =>
            Path.Combine(Path.GetFileName(Path.GetDirectoryName(file)) ?? "", Path.GetFileNameWithoutExtension(file));
    }
}
