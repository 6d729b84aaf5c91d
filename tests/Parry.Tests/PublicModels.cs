namespace Parry.Tests;

/// <summary>The folder of public networks beside the data, where there is one.</summary>
internal static class PublicModels
{
    public static string? Folder { get; } = Find();

    public static string File(string name) => Path.Combine(Folder!, name);

    private static string? Find()
    {
        if (Environment.GetEnvironmentVariable("PARRY_DATA") is not { Length: > 0 } data)
            return null;
        string folder = Path.Combine(data, "..", "models");
        return Directory.Exists(folder) ? folder : null;
    }
}

/// <summary>A theory that needs the public networks.</summary>
internal sealed class TheoryIfModelsAttribute : TheoryAttribute
{
    public TheoryIfModelsAttribute()
    {
        if (PublicModels.Folder is null)
            Skip = "The public networks are not in a folder models beside $PARRY_DATA.";
    }
}
