namespace Parry;

/// <summary>The size of one image: channels, height and width, in the order in which its values are stored.</summary>
/// <param name="Channels">Number of channels: 1 for gray, 3 for red, green and blue.</param>
/// <param name="Height">Height in pixels.</param>
/// <param name="Width">Width in pixels.</param>
public readonly record struct ImageShape(int Channels, int Height, int Width)
{
    /// <summary>Number of values in one image: channels × height × width.</summary>
    /// <exception cref="OverflowException">The product does not fit an <see cref="int"/>.</exception>
    public int Pixels => checked(Channels * Height * Width);

    /// <summary>This size in gray or color, as another shape is.</summary>
    internal ImageShape WithColorOf(ImageShape other) => this with { Channels = other.Channels };

    /// <summary>The shape as text, for example "1x28x28".</summary>
    public override string ToString() => $"{Channels}x{Height}x{Width}";
}
