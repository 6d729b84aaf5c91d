using Parry.Models.Onnx.Files;
using static TorchSharp.torch;

namespace Parry.Models.Onnx;

/// <summary>The input of a file that takes images.</summary>
/// <param name="Name">The name of the input.</param>
/// <param name="Shape">The shape of the images.</param>
/// <param name="Sizes">The shape that an image has for the graph: the same values, perhaps reshaped.</param>
/// <param name="Type">The type of the values.</param>
/// <param name="Batch">The batch size that the file declares; null if it is open.</param>
/// <param name="Contract">How the input takes images.</param>
internal sealed record OnnxInput(
    string Name,
    ImageShape Shape,
    long[] Sizes,
    ScalarType Type,
    long? Batch,
    InputContract Contract
)
{
    private const long LargestSide = 1 << 14;

    /// <summary>Finds the input.</summary>
    /// <param name="file">The file.</param>
    /// <param name="contract">What is known about the input.</param>
    /// <param name="images">The shape of the images at hand, for sizes that are open in the file.</param>
    /// <exception cref="InvalidDataException">The file has no input, or several, or one that takes something
    /// else.</exception>
    public static OnnxInput Of(OnnxFile file, InputContract contract, ImageShape? images)
    {
        if (file.Inputs.Count != 1)
            throw new InvalidDataException(
                $"it has {file.Inputs.Count} inputs ({string.Join(", ", file.Inputs.Select(input => input.Name))}); "
                    + "expected one, which takes images"
            );
        OnnxPort port = file.Inputs[0];
        if (
            port.Type
            is not (OnnxType.Float or OnnxType.Float16 or OnnxType.BFloat16 or OnnxType.Double or OnnxType.UInt8)
        )
            throw new InvalidDataException(
                $"its input \"{port.Name}\" takes {port.Type}, expected floating-point numbers or UINT8"
            );
        long[] declared = port.Shape ?? [-1, -1, -1, -1];
        if (declared.Length < 2)
            throw Unfit(declared, "; expected a batch of images, [N, C, H, W], [N, H, W, C], [N, H, W] or [N, pixels]");
        if (contract.Layout is null && declared.Length == 4 && declared[3] is 1 or 3 && declared[1] is not (1 or 3))
            contract = contract with { Layout = ImageLayout.Nhwc };
        if (contract.Range is null && port.Type == OnnxType.UInt8)
            contract = contract with { Range = (0, 255) };
        ImageShape? known = contract.Size ?? images;
        ScalarType type = port.Type == OnnxType.Double ? ScalarType.Float64 : ScalarType.Float32;
        long? batch = declared[0] > 0 ? declared[0] : null;
        if (known is { } shape && IsReshaped(declared, shape, contract))
        {
            // Rows of pixels with all channels of each, as TensorFlow lays images out.
            if (contract.Layout is null && shape.Channels > 1 && declared[^1] == shape.Channels)
                contract = contract with { Layout = ImageLayout.Nhwc };
            return new OnnxInput(port.Name, shape, declared[1..], type, batch, contract);
        }

        ImageShape found = ShapeOf(declared, contract, known);
        long[] sizes = declared.Length switch
        {
            2 => [found.Pixels],
            3 => [found.Height, found.Width],
            _ when contract.Layout == ImageLayout.Nhwc => [found.Height, found.Width, found.Channels],
            _ => [found.Channels, found.Height, found.Width],
        };
        return new OnnxInput(port.Name, found, sizes, type, batch, contract);
    }

    /// <summary>Images in the order of the contract's layout, as the graph takes them; differentiable.</summary>
    public Tensor Take(Tensor images) => images.to(Type).reshape([images.size(0), .. Sizes]);

    // Whether the input has another shape than the images and as many values: in a row, in a row for each channel, in a
    // row for each pixel, or with more dimensions of size 1.
    private static bool IsReshaped(long[] declared, ImageShape shape, InputContract contract)
    {
        double values = declared.Skip(1).Aggregate(1.0, (product, size) => size < 0 ? double.NaN : product * size);
        long[] usual =
            contract.Layout == ImageLayout.Nhwc
                ? [shape.Height, shape.Width, shape.Channels]
                : [shape.Channels, shape.Height, shape.Width];
        long[] taken = Wide(declared[1..]);
        long area = (long)shape.Height * shape.Width;
        return values == shape.Pixels
            && !declared.Skip(1).SequenceEqual(usual)
            && (
                taken.Length < 2
                || taken.SequenceEqual(Wide(usual))
                || taken.SequenceEqual([shape.Channels, area])
                || taken.SequenceEqual([area, shape.Channels])
            );
    }

    private static long[] Wide(long[] sizes) => Array.FindAll(sizes, size => size != 1);

    private static ImageShape ShapeOf(long[] declared, InputContract contract, ImageShape? known)
    {
        long[] found = declared.Length switch
        {
            4 when contract.Layout == ImageLayout.Nhwc => [declared[3], declared[1], declared[2]],
            4 => declared[1..],
            3 => [1, declared[1], declared[2]],
            2 => [-1, -1, -1],
            _ => throw Unfit(declared, "; expected [N, C, H, W], [N, H, W, C], [N, H, W] or [N, pixels]"),
        };
        long[] wanted = known is { } shape ? [shape.Channels, shape.Height, shape.Width] : [-1, -1, -1];
        for (int i = 0; i < 3; i++)
        {
            if (found[i] < 0)
                found[i] = wanted[i];
            else if (contract.Size is not null && wanted[i] != found[i])
                throw Unfit(declared, $", which does not fit images of {contract.Size}");
        }

        if (found.Any(size => size < 0))
            throw Unfit(declared, ", where -1 is open: give the size of its images (--input-size, such as 3x224x224)");
        if (found.Any(size => size > LargestSide))
            throw Unfit(declared, ", which does not fit images");
        var made = new ImageShape((int)found[0], (int)found[1], (int)found[2]);
        if (declared.Length == 2 && declared[1] >= 0 && made.Pixels != declared[1])
            throw new InvalidDataException(
                $"its input takes {declared[1]} values, but images of {made} have another number: give the size of its "
                    + "images (--input-size)"
            );
        return made;
    }

    private static InvalidDataException Unfit(long[] declared, string why) =>
        new($"its input has the shape [{string.Join(", ", declared)}]{why}");
}
