using Parry.Catalogs;
using Parry.Models.Http;

namespace Parry.Cli.Attacking;

/// <summary>Tells which attacks fit a model served over HTTP, which shows only scores or labels.</summary>
internal static class Endpoints
{
    /// <summary>Refuses attacks that need to see more, before anything is sent.</summary>
    /// <param name="attacks">The attacks.</param>
    /// <param name="model">The URL.</param>
    /// <param name="settings">How it is asked; null for other models, which show everything.</param>
    /// <param name="substitute">What to do instead, as the last sentence of the message.</param>
    /// <exception cref="UserErrorException">An attack needs to see more; the message lists those that fit.</exception>
    public static void Check(IEnumerable<AttackSpec> attacks, string model, HttpSettings? settings, string substitute)
    {
        if (settings is null)
            return;
        Knowledge shown = settings.OnlyLabels ? Knowledge.Labels : Knowledge.Scores;
        if (attacks.FirstOrDefault(attack => attack.Entry.Knowledge > shown) is not { } tooMuch)
            return;
        string fitting =
            $"{(shown == Knowledge.Scores ? $"scores: {Names(Knowledge.Scores)}; " : "")}labels: "
            + $"{Names(Knowledge.Labels)}";
        throw new UserErrorException(
            $"the attack {tooMuch.Name} needs {tooMuch.Entry.Knowledge.ToString().ToLowerInvariant()}, and "
                + $"{model.Split('?')[0]} shows only {shown.ToString().ToLowerInvariant()}. Attacks that fit, by "
                + $"{fitting}. {substitute}"
        );
    }

    /// <summary>The attacks that need this knowledge of the model.</summary>
    public static string Names(Knowledge knowledge) =>
        string.Join(", ", AttackCatalog.All.Where(entry => entry.Knowledge == knowledge).Select(entry => entry.Name));
}
