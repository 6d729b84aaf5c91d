using System.Reflection;
using System.Runtime.CompilerServices;

namespace Parry.Torch.Tests;

/// <summary>
/// op-schemas.txt holds the schema of every operator the binding names, by version of LibTorch: a change of an argument
/// is seen before it is felt. PARRY_UPDATE_SCHEMAS=1 writes the section of the LibTorch at hand.
/// </summary>
public class SchemaTests : LeakChecked
{
    [Fact]
    public void Every_operator_the_binding_names_exists_in_this_LibTorch()
    {
        Operator[] operators = Bound();
        Assert.True(operators.Length > 80);
        Assert.Empty(operators.Where(op => Record.Exception(() => op.Schema) is not null).Select(op => op.ToString()));
    }

    [RecordedVersionFact]
    public void Schemas_are_the_recorded_ones()
    {
        string[] now = [.. Bound().Select(op => op.Schema).Distinct().Order(StringComparer.Ordinal)];
        var sections = Sections();
        if (Environment.GetEnvironmentVariable("PARRY_UPDATE_SCHEMAS") == "1")
        {
            sections[Heading] = [.. now];
            File.WriteAllText(RecordPath(), string.Concat(sections.Select(s => s.Key + "\n" + string.Concat(s.Value.Select(line => line + "\n")))));
        }

        string[] changed = [.. sections[Heading].Except(now).Select(s => "- " + s), .. now.Except(sections[Heading]).Select(s => "+ " + s)];
        Assert.True(changed.Length == 0, $"Not as recorded; if that is meant, run the tests once with PARRY_UPDATE_SCHEMAS=1.\n{string.Join('\n', changed)}");
    }

    private static string Heading => $"# {TorchThreads.Version}";

    // Static fields only: Operator.All also holds what other tests have named.
    private static Operator[] Bound() =>
    [
        .. typeof(Operator).Assembly.GetTypes().Where(type => !type.ContainsGenericParameters)
            .SelectMany(type => type.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            .Where(field => field.FieldType == typeof(Operator)).Select(field => (Operator)field.GetValue(null)!),
    ];

    private static SortedDictionary<string, List<string>> Sections()
    {
        var sections = new SortedDictionary<string, List<string>>(StringComparer.Ordinal);
        foreach (string line in File.Exists(RecordPath()) ? File.ReadAllLines(RecordPath()) : [])
        {
            if (line.StartsWith("# ", StringComparison.Ordinal)) sections[line] = [];
            else sections.Last().Value.Add(line);
        }

        return sections;
    }

    private static string RecordPath([CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, "op-schemas.txt");

    private sealed class RecordedVersionFactAttribute : FactAttribute
    {
        public RecordedVersionFactAttribute()
        {
            if (Environment.GetEnvironmentVariable("PARRY_UPDATE_SCHEMAS") != "1" && !Sections().ContainsKey(Heading))
                Skip = $"op-schemas.txt has no section '{Heading}'; PARRY_UPDATE_SCHEMAS=1 adds it.";
        }
    }
}
