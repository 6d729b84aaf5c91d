namespace Parry.Tests.Repository;

/// <summary>How much a reader has to take in at once.</summary>
public class LayoutTests
{
    private const int MostLines = 400;
    private const int MostColumns = 120;

    [Fact]
    public void A_file_has_at_most_400_lines() =>
        Assert.DoesNotContain(RepositoryFiles.Code(), file => RepositoryFiles.Lines(file).Count() > MostLines);

    [Fact]
    public void A_line_has_at_most_120_columns_outside_raw_strings() =>
        Assert.DoesNotContain(
            RepositoryFiles.Code(),
            file => OutsideRawStrings(RepositoryFiles.Lines(file)).Any(line => line.Length > MostColumns)
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
