using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.Building;

/// <summary>
/// Where a picture lies on a canvas: turned by an angle in radians, enlarged by a factor, its middle moved off the
/// canvas's middle by pixels.
/// </summary>
internal readonly record struct Placement(double Angle, double Size, double X, double Y)
{
    /// <summary>
    /// For each pixel of a canvas the point of the picture that lies there, [N, height, width, 2] as (x, y), where -1
    /// and 1 are the picture's edges. One picture for each placement; every row is computed by itself, so it does not
    /// depend on the batch.
    /// </summary>
    public static Tensor Points(
        IReadOnlyList<Placement> placements,
        long height,
        long width,
        long pictureHeight,
        long pictureWidth
    )
    {
        using var scope = NewDisposeScope();
        Tensor columns = FromMiddle(width).reshape(1, 1, width);
        Tensor rows = FromMiddle(height).reshape(1, height, 1);

        // The inverse of the placement: off the middle of the canvas, turned back, shrunk, in units of half the
        // picture.
        Tensor x = Line(p => Math.Cos(p.Angle), p => Math.Sin(p.Angle), pictureWidth);
        Tensor y = Line(p => -Math.Sin(p.Angle), p => Math.Cos(p.Angle), pictureHeight);
        return scope.MoveToOuter(stack([x, y], 1).permute(0, 2, 3, 1));

        Tensor Line(Func<Placement, double> along, Func<Placement, double> down, long size)
        {
            double Scale(Placement p) => 2 / (p.Size * size);
            Tensor offset = Each(p => -Scale(p) * ((along(p) * p.X) + (down(p) * p.Y)));
            Tensor across = Each(p => Scale(p) * along(p)) * columns;
            return across + offset + (Each(p => Scale(p) * down(p)) * rows);
        }

        static Tensor FromMiddle(long size) =>
            arange(size, ScalarType.Int64).to(ScalarType.Float32) - ((size - 1) / 2.0);

        Tensor Each(Func<Placement, double> number) =>
            tensor(placements.Select(p => (float)number(p)).ToArray()).reshape(-1, 1, 1);
    }
}
