namespace Parry.Cli.Measuring;

/// <summary>
/// What <c>parry quality --json</c> writes. Rows: the generator, real images that nothing was trained on, noise.
/// </summary>
/// <param name="Model">The generator.</param>
/// <param name="Data">The data set.</param>
/// <param name="Features">The classifier whose features are compared.</param>
/// <param name="Count">Images measured of each source.</param>
/// <param name="TestCount">Test images they are compared with.</param>
/// <param name="Neighbors">How many of them are compared with the training images.</param>
/// <param name="Reconstructed">Test images that are reconstructed.</param>
/// <param name="Seed">The seed.</param>
/// <param name="Rows">The measures.</param>
/// <param name="Notes">What the reader must know about them.</param>
internal sealed record QualityReport(
    string Model,
    string Data,
    string Features,
    int Count,
    int TestCount,
    int Neighbors,
    int Reconstructed,
    long Seed,
    IReadOnlyList<QualityRow> Rows,
    IReadOnlyList<string> Notes
);
