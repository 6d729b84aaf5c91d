using System.CommandLine;
using Parry.Attacks;
using Parry.Catalogs;
using Parry.Options;
using Spectre.Console;

namespace Parry.Cli.Verbs;

/// <summary><c>parry attack list</c>: every attack, as the code describes it.</summary>
internal static class AttackListVerb
{
    /// <summary>What <c>--json</c> writes.</summary>
    internal sealed record ListedAttack(
        string Name,
        string Knowledge,
        IReadOnlyList<string> Norms,
        string Goal,
        string Summary,
        string Paper,
        IReadOnlyList<OptionInfo> Options
    );

    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        var name = new Argument<string?>("NAME")
        {
            Description = "One attack, with all its options.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Option<bool> json = Arguments.Json();
        return new Command(
            "list",
            "List all attacks: what they must see of the model, their norms, what they find and their papers; with a "
                + "name, its options."
        )
        {
            name,
            json,
        }.Does((result, _) => Run(Output.Of(result), result.GetValue(name), result.GetValue(json)));
    }

    private static int Run(Output output, string? name, bool json)
    {
        AttackEntry[] entries = name is null ? [.. AttackCatalog.All] : [AttackCatalog.Find(name)];
        if (json)
        {
            output.Json([.. entries.Select(Listed)], CliJson.Default.IReadOnlyListListedAttack);
            return 0;
        }

        Table table = Output.Table("name", "sees", "norms", "finds", "paper");
        foreach (ListedAttack attack in entries.Select(Listed))
            table.AddCells(attack.Name, attack.Knowledge, string.Join(' ', attack.Norms), attack.Goal, attack.Paper);
        output.Render(table);
        if (name is not null)
        {
            output.Line(entries[0].Summary);
            Table options = Output.Table("option", "value", "default", "");
            foreach (OptionInfo option in entries[0].Options)
                options.AddCells(option.Name, option.Values, option.Default, option.Summary);
            options.AddCells(
                "target",
                TargetChoice.Values,
                "none",
                "the target class; without it, any class but " + "the true one"
            );
            if (entries[0].Default.TakesMask)
                options.AddCells("mask", "a PNG or .npy file", "none", "the pixels that may change: white, or not 0");
            output.Render(options);
        }
        else
        {
            output.Line(
                "To start with: within a budget autoattack, or square where only scores are seen; for the smallest "
                    + "change fmn, and brendel-bethge besides on robust networks; with labels only rays in Linf and "
                    + "surfree in L2."
            );
            output.Line(
                "Every attack can be targeted (target=…); `parry attack list NAME` shows its options. label-flip, "
                    + "which poisons training sets, is a separate verb."
            );
        }

        return 0;
    }

    private static ListedAttack Listed(AttackEntry entry) =>
        new(
            entry.Name,
            entry.Knowledge.ToString().ToLowerInvariant(),
            [.. entry.AllNorms.Select(norm => norm.Name())],
            entry.HasBudget ? "within a budget" : "smallest change",
            entry.Summary,
            entry.Paper,
            entry.Options
        );
}
