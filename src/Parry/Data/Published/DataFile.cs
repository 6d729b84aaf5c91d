using Parry.Data.Files;

namespace Parry.Data.Published;

/// <summary>A published file and how to recognize it.</summary>
/// <param name="Name">The file's name, without a folder.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Sha256">The SHA-256 of its content in lower-case hexadecimal digits.</param>
public sealed record DataFile(string Name, long Bytes, string Sha256)
{
    /// <summary>
    /// Whether the folder holds exactly this file, plain or gzip. Only the content counts, because distributions
    /// compress the files again.
    /// </summary>
    public bool IsIn(string folder)
    {
        if (InputFile.Find(folder, Name) is not { } path)
            return false;
        try
        {
            using var file = InputFile.Open(path);
            return file.ContentSha256(Bytes) == Sha256;
        }
        catch (UserErrorException)
        {
            return false;
        }
    }
}
