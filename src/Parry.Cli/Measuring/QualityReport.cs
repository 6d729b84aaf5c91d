namespace Parry.Cli.Measuring;

/// <summary>What <c>parry quality --json</c> writes. Rows: the generator, held-out real images, noise.</summary>
/// <param name="Model">The generator.</param>
/// <param name="Data">The data set.</param>
/// <param name="Features">The classifier whose features are compared.</param>
/// <param name="Count">The number of images from each source.</param>
/// <param name="TestCount">The number of test images they are compared with.</param>
/// <param name="Neighbors">The number of images compared with the training images.</param>
/// <param name="Reconstructed">The number of reconstructed test images.</param>
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
