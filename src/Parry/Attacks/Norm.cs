using Parry.Options;
using static TorchSharp.torch;

namespace Parry.Attacks;

/// <summary>How the size of a perturbation is measured, over all values of an image.</summary>
public enum Norm
{
    /// <summary>The number of changed values.</summary>
    L0,

    /// <summary>The sum of absolute changes.</summary>
    L1,

    /// <summary>The Euclidean length.</summary>
    L2,

    /// <summary>The largest absolute change.</summary>
    Linf,
}

/// <summary>Measures perturbations.</summary>
public static class Norms
{
    private static readonly long[] s_image = [-3, -2, -1];

    /// <summary>The size of each perturbation [N, C, H, W], or of several of each image [N, K, C, H, W].</summary>
    /// <param name="norm">The norm.</param>
    /// <param name="perturbation">The perturbations.</param>
    /// <param name="keepdim">Whether the sizes are [N, 1, 1, 1], to combine with images; else [N].</param>
    public static Tensor Of(this Norm norm, Tensor perturbation, bool keepdim = false) =>
        norm switch
        {
            Norm.L0 => (perturbation != zeros_like(perturbation)).to(ScalarType.Float32).sum(s_image, keepdim),
            Norm.L1 => linalg.vector_norm(perturbation, 1, s_image, keepdim),
            Norm.L2 => linalg.vector_norm(perturbation, 2, s_image, keepdim),
            _ => perturbation.abs().amax(s_image, keepdim),
        };

    /// <summary>
    /// The dual norm: the largest change of a linear function in a ball is the radius times its gradient's dual norm.
    /// </summary>
    public static Norm Dual(this Norm norm) =>
        norm switch
        {
            Norm.Linf => Norm.L1,
            Norm.L1 => Norm.Linf,
            Norm.L2 => Norm.L2,
            _ => throw new ArgumentOutOfRangeException(nameof(norm), "L0 is no norm that has a dual."),
        };

    /// <summary>The norm, if it is one of those in which an attack works.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is none of them.</exception>
    internal static Norm Among(this Norm norm, params ReadOnlySpan<Norm> allowed)
    {
        if (allowed.Contains(norm))
            return norm;
        string expected = string.Join(" or ", allowed.ToArray().Select(Name));
        throw new ArgumentOutOfRangeException(
            nameof(norm),
            $"The norm was expected to be {expected}, got {norm.Name()}."
        );
    }

    /// <summary>The name in reports and on the command line: linf, l2, l1, l0.</summary>
    public static string Name(this Norm norm) =>
        norm switch
        {
            Norm.L0 => "l0",
            Norm.L1 => "l1",
            Norm.L2 => "l2",
            _ => "linf",
        };

    /// <summary>
    /// The norm with a name, or with another of the field's words for it, such as <c>inf</c> or <c>L_2</c>; null where
    /// the text is none.
    /// </summary>
    public static Norm? Named(string text)
    {
        Dictionary<string, Norm> norms = Enum.GetValues<Norm>().ToDictionary(Name);
        return Synonyms.Value(text, norms.Keys) is { } name ? norms[name] : null;
    }
}
