using System.Text;
using Parry.Data.Files;

namespace Parry.Models.Files;

/// <summary>Names what was saved in place of a model: a pointer of Git LFS, a web page, text.</summary>
internal static class MistakenFile
{
    private const int Looked = 512;
    private const int Shown = 60;

    /// <summary>Checks that a file is not something that people save as a model by mistake.</summary>
    /// <returns>The path.</returns>
    /// <exception cref="InvalidDataException">It is; the message says what.</exception>
    public static string Check(string path)
    {
        byte[] start = new byte[Looked];
        using FileStream file = RegularFile.Open(path);
        int count = file.ReadAtLeast(start, Looked, throwOnEndOfStream: false);
        if (count == 0)
            throw new InvalidDataException("it is empty: download or export it again");
        string text = Encoding.UTF8.GetString(start, 0, count).TrimStart('\uFEFF').TrimStart();
        if (text.StartsWith("version https://git-lfs", StringComparison.Ordinal))
            throw new InvalidDataException(
                "it is a pointer of Git LFS, not the model: run `git lfs pull` in its repository, or download the file "
                    + "itself"
            );
        if (
            text.StartsWith("<!doctype", StringComparison.OrdinalIgnoreCase)
            || text.StartsWith("<html", StringComparison.OrdinalIgnoreCase)
        )
            throw new InvalidDataException(
                "it is a web page (HTML), not a model: download the file itself, not the page about it"
            );
        if (!text.Any(letter => (char.IsControl(letter) && !char.IsWhiteSpace(letter)) || letter == '\uFFFD'))
        {
            string beginning = text[..Math.Min(Shown, text.Length)].ReplaceLineEndings(" ").TrimEnd();
            throw new InvalidDataException($"it is text (\"{beginning}\"), not a model: download or export it again");
        }

        return path;
    }
}
