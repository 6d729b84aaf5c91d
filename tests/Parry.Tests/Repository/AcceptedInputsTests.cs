using Parry.Tests.Data;

namespace Parry.Tests.Repository;

/// <summary>What the documents say of inputs is what Parry does with them.</summary>
public class AcceptedInputsTests
{
    private const string Document = "docs/your-model.md";
    private const string Head = "| format | input | what Parry does |\n| --- | --- | --- |\n";

    public static TheoryData<string> Inputs => [.. AcceptedInputs.All.Select(one => one.Input)];

    [Theory]
    [MemberData(nameof(Inputs))]
    public void An_input_is_taken_as_the_documents_say(string input)
    {
        using var folder = new TemporaryFolder();
        AcceptedInputs.All.Single(one => one.Input == input).Try(folder.Path);
    }

    /// <summary>PARRY_UPDATE_DOCS=1 writes the table anew.</summary>
    [Fact]
    public void The_document_has_the_table_of_all_inputs()
    {
        string path = Path.Combine(RepositoryFiles.Root, Document);
        string text = File.ReadAllText(path);
        string table = Head + string.Concat(AcceptedInputs.Rows.Select(row => row + "\n"));
        int start = text.IndexOf(Head, StringComparison.Ordinal);
        Assert.True(start >= 0, $"{Document} has no table of accepted inputs");
        int end = text.IndexOf("\n\n", start, StringComparison.Ordinal) + 1;
        if (Environment.GetEnvironmentVariable("PARRY_UPDATE_DOCS") == "1")
            File.WriteAllText(path, text[..start] + table + text[end..]);
        Assert.Equal(table, File.ReadAllText(path)[start..(start + table.Length)]);
        Assert.Equal('\n', File.ReadAllText(path)[start + table.Length]);
    }
}
