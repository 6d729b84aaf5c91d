using Parry.Data.Formats;
using Parry.Data.Images;
using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Attacks;

/// <summary>
/// The pixels that an attack may change. An attack does not know of it: it gets smaller images that hold only these
/// pixels, so that its norms, random draws and dimensions are those of what may change, and all else stays as it is to
/// the last bit. A rectangle keeps its form; other pixels are packed in reading order into an image that is nearly
/// square, whose last cells may be left over and do nothing.
/// </summary>
public sealed class PixelMask
{
    private const byte Bright = 128;

    // Positions in reading order.
    private readonly long[] _pixels;
    private readonly long _height;
    private readonly long _width;

    /// <summary>Makes a mask.</summary>
    /// <param name="height">The height of the images.</param>
    /// <param name="width">Their width.</param>
    /// <param name="mayChange">For each pixel in reading order whether it may change.</param>
    /// <exception cref="UserErrorException">No pixel may change.</exception>
    public PixelMask(int height, int width, IReadOnlyList<bool> mayChange)
    {
        if (mayChange.Count != height * width)
            throw new ArgumentException(
                $"Expected {height * width} values, one for each pixel, got {mayChange.Count}.",
                nameof(mayChange)
            );
        _pixels = [.. Enumerable.Range(0, mayChange.Count).Where(i => mayChange[i]).Select(i => (long)i)];
        if (_pixels.Length == 0)
            throw new UserErrorException("expected a mask of pixels that may change, got none of them");
        (Height, Width) = (height, width);
        (_height, _width) = PackedSize();
    }

    /// <summary>The height of the images.</summary>
    public int Height { get; }

    /// <summary>The width of the images.</summary>
    public int Width { get; }

    /// <summary>The number of pixels that may change.</summary>
    public int Count => _pixels.Length;

    /// <summary>The file that it was read from; null if it was not.</summary>
    public string? File { get; private init; }

    /// <summary>
    /// Reads a mask: a picture whose bright pixels may change, or a .npy array [H, W] where what is not 0 may.
    /// </summary>
    /// <exception cref="UserErrorException">The file cannot be read, or no pixel may change.</exception>
    public static PixelMask Read(string path)
    {
        if (!path.EndsWith(NpyFile.Extension, StringComparison.OrdinalIgnoreCase))
        {
            var (shape, planes) = ImageFile.Read(path, channels: 1);
            return Of(path, shape.Height, shape.Width, Array.ConvertAll(planes, value => value >= Bright));
        }

        var (sizes, values) = NpyFile.Read(path);
        return sizes is [var height, var width]
            ? Of(path, height, width, Array.ConvertAll(values, value => value != 0))
            : throw new UserErrorException(
                $"{path}: expected a mask of two dimensions, height and width, got {string.Join("x", sizes)}"
            );
    }

    private static PixelMask Of(string path, int height, int width, bool[] mayChange) =>
        mayChange.Contains(true)
            ? new PixelMask(height, width, mayChange) { File = path }
            : throw new UserErrorException(
                $"{path}: expected a mask whose white pixels, or values other than 0, may change, got none of them"
            );

    /// <summary>Says before any work whether it fits images and an attack.</summary>
    /// <exception cref="UserErrorException">It is of another size, or the attack takes no mask.</exception>
    internal void CheckFits<TModel>(IAttack<TModel> attack, ImageShape shape)
        where TModel : IPredictor
    {
        if (!attack.TakesMask)
            throw new UserErrorException(
                $"the attack {attack.Name} takes no mask, at least with these options, as it needs the whole image: "
                    + "leave the mask out, or give another attack, such as pgd"
            );
        if ((shape.Height, shape.Width) != (Height, Width))
            throw new UserErrorException(
                $"expected a mask of {shape.Height}x{shape.Width}, the height and width of the images, got "
                    + $"{Height}x{Width}"
            );
    }

    /// <summary>The shape of the smaller images.</summary>
    internal ImageShape PackedShape(ImageShape shape) => new(shape.Channels, (int)_height, (int)_width);

    /// <summary>The pixels that may change, as images.</summary>
    /// <param name="images">[N, C, H, W].</param>
    internal Tensor Pack(Tensor images)
    {
        Tensor values = images.flatten(2).index_select(2, tensor(_pixels));
        long left = (_height * _width) - _pixels.Length;
        Tensor cells = left == 0 ? values : cat([values, zeros([values.size(0), values.size(1), left])], 2);
        return cells.reshape(values.size(0), values.size(1), _height, _width);
    }

    /// <summary>Images with these pixels replaced; differentiable with respect to them.</summary>
    /// <param name="packed">As <see cref="Pack"/> gives them.</param>
    /// <param name="images">The images, [N, C, H, W].</param>
    internal Tensor Unpack(Tensor packed, Tensor images)
    {
        Tensor values = packed.flatten(2).slice(2, 0, _pixels.Length, 1);
        return images.flatten(2).index_copy(2, tensor(_pixels), values).reshape(images.shape);
    }

    private (long Height, long Width) PackedSize()
    {
        long top = _pixels[0] / Width;
        long bottom = _pixels[^1] / Width;
        long left = _pixels.Min(pixel => pixel % Width);
        long right = _pixels.Max(pixel => pixel % Width);
        var (height, width) = (bottom - top + 1, right - left + 1);
        if (height * width == _pixels.Length)
            return (height, width);
        long side = (long)Math.Sqrt(_pixels.Length);
        return (side, (_pixels.Length + side - 1) / side);
    }
}
