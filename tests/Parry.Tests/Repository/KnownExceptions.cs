namespace Parry.Tests.Repository;

/// <summary>Violations of a rule that stand for now. The list may only shrink.</summary>
internal static class KnownExceptions
{
    /// <summary>Asserts that the violations are exactly the known ones.</summary>
    public static void AreAll(IEnumerable<string> known, IEnumerable<string> found)
    {
        string[] listed = [.. known],
            actual = [.. found.Distinct().Order(StringComparer.Ordinal)];
        string[] added = [.. actual.Except(listed)],
            gone = [.. listed.Except(actual)];
        Assert.True(added.Length == 0, $"new violations of this rule:\n{string.Join('\n', added)}");
        Assert.True(gone.Length == 0, $"no longer violations; remove them from the list:\n{string.Join('\n', gone)}");
    }
}
