using Parry.Tests.Repository;
using PublicApiGenerator;

namespace Parry.Tests.Api;

public class PublicApiTests
{
    private static readonly string s_recorded = Path.Combine(
        RepositoryFiles.Root,
        "tests",
        "Parry.Tests",
        "Api",
        "Parry.txt"
    );

    /// <summary>A change that is meant: run once with PARRY_ACCEPT_API=1 and commit the file.</summary>
    [Fact]
    public void The_public_API_is_the_recorded_one()
    {
        string api = typeof(UserErrorException).Assembly.GeneratePublicApi(
            new ApiGeneratorOptions { IncludeAssemblyAttributes = false }
        );
        string now = api.ReplaceLineEndings("\n") + "\n";
        if (Environment.GetEnvironmentVariable("PARRY_ACCEPT_API") == "1")
            File.WriteAllText(s_recorded, now);
        string[] recorded = File.ReadAllLines(s_recorded);
        string[] lines = now.TrimEnd('\n').Split('\n');
        string[] differences =
        [
            .. recorded.Except(lines).Select(line => $"- {line.Trim()}"),
            .. lines.Except(recorded).Select(line => $"+ {line.Trim()}"),
        ];
        Assert.True(
            recorded.SequenceEqual(lines),
            $"the public API is not the recorded one; if that is meant, run the tests once with PARRY_ACCEPT_API=1.\n"
                + string.Join('\n', differences)
        );
    }
}
