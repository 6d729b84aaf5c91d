namespace Parry.Torch;

/// <content>Linear algebra.</content>
public sealed partial class Tensor
{
    private static readonly Operator s_linalgEigh = new("linalg_eigh");

    /// <summary>The eigenvalues of a symmetric matrix in ascending order, and the eigenvectors as columns.</summary>
    public (Tensor Values, Tensor Vectors) Eigh() => s_linalgEigh.CallMany(this) is [{ } values, { } vectors] ? (values, vectors) : throw new InvalidOperationException("linalg_eigh gives two tensors.");
}
