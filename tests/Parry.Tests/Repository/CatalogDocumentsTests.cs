using Parry.Attacks;
using Parry.Catalogs;
using Parry.Data;
using Parry.Data.Published;

namespace Parry.Tests.Repository;

/// <summary>The tables of attacks, defenses and data sets in the documents say what the code says.</summary>
public class CatalogDocumentsTests
{
    [Fact]
    public void The_document_lists_every_attack() =>
        AssertTable(
            "docs/attacks.md",
            "| name | attack | sees | norms | what it does | paper |",
            AttackCatalog.All.Select(AttackRow)
        );

    [Fact]
    public void The_document_lists_every_defense() =>
        AssertTable(
            "docs/defenses.md",
            "| name | defense | what it does | paper |",
            DefenseCatalog.All.Select(defense =>
                $"| `{defense.Name}` | {defense.Title} | {defense.Summary} | {defense.Paper} |"
            )
        );

    [Fact]
    public void The_document_lists_every_data_set() =>
        AssertTable(
            "docs/images.md",
            "| name | data set | image | classes | license |",
            DataSets.All.Select(DataSetRow)
        );

    [Fact]
    public void The_readme_counts_attacks_and_defenses()
    {
        string readme = Text("README.md");
        Assert.Contains($"{AttackCatalog.All.Count} attacks", readme, StringComparison.Ordinal);
        Assert.Contains($"{DefenseCatalog.All.Count} defenses", readme, StringComparison.Ordinal);
    }

    private static string AttackRow(AttackEntry attack)
    {
        string norms = string.Join(", ", attack.AllNorms.Select(norm => norm.Name()));
        string sees = attack.Knowledge.ToString().ToLowerInvariant();
        return $"| `{attack.Name}` | {attack.Title} | {sees} | {norms} | {attack.Summary} | {attack.Paper} |";
    }

    private static string DataSetRow(PublishedData set) =>
        $"| `{set.Name}` | {set.Title} | {set.Shape} | {set.ClassNames.Count} | {set.License} |";

    private static void AssertTable(string document, string head, IEnumerable<string> rows)
    {
        string rule = string.Concat(Enumerable.Repeat("| --- ", head.Count(letter => letter == '|') - 1)) + "|";
        string table = string.Join('\n', [head, rule, .. rows]) + "\n\n";
        Assert.True(
            Text(document).Contains(table, StringComparison.Ordinal),
            $"expected this table in {document}, got another: replace it\n{table}"
        );
    }

    private static string Text(string path) => string.Join('\n', RepositoryFiles.Lines(path));
}
