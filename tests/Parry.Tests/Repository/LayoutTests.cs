namespace Parry.Tests.Repository;

/// <summary>How much a reader has to take in at once.</summary>
public class LayoutTests
{
    private const int MostLines = 400;
    private const int MostColumns = 120;

    private static readonly string[] s_longFiles = ["src/Parry/Models/Onnx/OnnxShapes.cs"];

    private static readonly string[] s_filesWithWideLines =
    [
        "src/Parry/Data/CelebA.cs",
        "src/Parry/Data/ClassIndex.cs",
        "src/Parry/Data/ImageFolder.cs",
        "src/Parry/Defenses/Training/MagNetTraining.cs",
        "src/Parry/Generative/Gans/GanLog.cs",
        "src/Parry/Models/Architectures/LayerText.cs",
        "src/Parry/Models/Architectures/LeNets.cs",
        "src/Parry/Models/Http/RequestTemplate.cs",
        "src/Parry/Models/InputContract.cs",
        "src/Parry/Models/ModelFile.cs",
        "src/Parry/Models/PublishedWeights.cs",
    ];

    [Fact]
    public void A_file_has_at_most_400_lines() =>
        KnownExceptions.AreAll(
            s_longFiles,
            RepositoryFiles.Code().Where(file => RepositoryFiles.Lines(file).Count() > MostLines)
        );

    [Fact]
    public void A_line_has_at_most_120_columns_outside_raw_strings() =>
        KnownExceptions.AreAll(
            s_filesWithWideLines,
            RepositoryFiles
                .Code()
                .Where(file => OutsideRawStrings(RepositoryFiles.Lines(file)).Any(line => line.Length > MostColumns))
        );

    // Lines that touch a raw string hold data, such as a document or a page's style.
    private static IEnumerable<string> OutsideRawStrings(IEnumerable<string> lines)
    {
        bool inside = false;
        foreach (string line in lines)
        {
            int quotes = line.Split("\"\"\"").Length - 1;
            if (!inside && quotes == 0)
                yield return line;
            inside ^= quotes % 2 == 1;
        }
    }
}
