using Parry.Models;

namespace Parry.Cli.Inspecting;

/// <summary>What <c>parry model inspect --json</c> writes.</summary>
/// <param name="File">The file.</param>
/// <param name="Input">What the model takes; null if the file does not say.</param>
/// <param name="Metadata">The metadata of the file, verbatim.</param>
/// <param name="Layers">The layers with their weights.</param>
/// <param name="Parameters">The number of parameters in all layers.</param>
/// <param name="Recognized">The network that published weights belong to, if it is recognized by their names.</param>
/// <param name="Attacks">Which attacks fit it, by what they see of it; null if it is not a classifier.</param>
internal sealed record ModelContents(
    string File,
    string? Input,
    IReadOnlyDictionary<string, string> Metadata,
    IReadOnlyList<ModelLayer> Layers,
    long Parameters,
    string? Recognized = null,
    string? Attacks = null
);

/// <summary>
/// What <c>parry model inspect --json</c> writes for the networks of a GAN, which are not read from a file.
/// </summary>
internal sealed record GanContents(string Name, NetworkContents Generator, NetworkContents Discriminator);

/// <summary>A network with initial weights.</summary>
internal sealed record NetworkContents(IReadOnlyList<ModelLayer> Layers, long Parameters, long Trainable);
