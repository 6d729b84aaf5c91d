namespace Parry.Defenses;

/// <summary>A defense as the command line knows it.</summary>
/// <param name="Name">The command-line name, for example <c>defense-gan</c>.</param>
/// <param name="Summary">What it does, in one line.</param>
/// <param name="Paper">Authors, year and arXiv number.</param>
/// <param name="Options">Its options.</param>
/// <param name="Create">Makes it from the options that were given; loads what it needs. Throws
/// <see cref="UserErrorException"/> where these are not valid.</param>
public sealed record DefenseEntry(
    string Name,
    string Summary,
    string Paper,
    IReadOnlyList<DefenseOption> Options,
    Func<DefenseOptions, DefenseContext, DefenseSpec> Create
);
