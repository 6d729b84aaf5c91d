namespace Parry.Attacks.Exact;

/// <summary>The images within a radius of a clean one, in Linf or L1, and in the box [0, 1].</summary>
internal sealed record Region(Norm Norm, double[] Center, double Radius)
{
    /// <summary>How far a value can fall, as a number of at least 0.</summary>
    public double Down(int i) => Math.Min(Radius, Center[i]);

    /// <summary>How far a value can rise.</summary>
    public double Up(int i) => Math.Min(Radius, 1 - Center[i]);

    /// <summary>A lower bound of a linear function; in Linf its least value.</summary>
    public double Lowest(double[] coefficients)
    {
        double middle = 0;
        double fall = 0;
        double steepest = 0;
        for (int i = 0; i < coefficients.Length; i++)
        {
            double c = coefficients[i];
            double room = c > 0 ? Down(i) : Up(i);
            middle += c * Center[i];
            fall += Math.Abs(c) * room;
            if (room > 0)
                steepest = Math.Max(steepest, Math.Abs(c));
        }

        return middle - (Norm == Norm.L1 ? Math.Min(fall, Radius * steepest) : fall);
    }
}
