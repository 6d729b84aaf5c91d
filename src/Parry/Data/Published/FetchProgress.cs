namespace Parry.Data.Published;

/// <summary>The progress of a download.</summary>
/// <param name="File">Name of the file.</param>
/// <param name="Bytes">Bytes received.</param>
/// <param name="Total">Length of the file in bytes.</param>
public readonly record struct FetchProgress(string File, long Bytes, long Total);
