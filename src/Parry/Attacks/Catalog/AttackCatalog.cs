using Parry.Attacks.DecisionBased;
using Parry.Attacks.Exact;
using Parry.Attacks.Generative;
using Parry.Attacks.Physical;
using Parry.Attacks.ScoreBased;
using Parry.Attacks.Transfer;
using Parry.Attacks.Universal;
using Parry.Attacks.WhiteBox;
using Parry.Models;

namespace Parry.Attacks.Catalog;

/// <summary>Every attack that the command line knows, and the reader of what stands behind <c>--attack</c>.</summary>
public static class AttackCatalog
{
    /// <summary>All attacks, those that see more of the model first.</summary>
    public static IReadOnlyList<AttackEntry> All { get; } =
    [
        FastGradientSign.Entry,
        RandomFastGradientSign.Entry,
        BasicIterative.Entry,
        IterativeLeastLikely.Entry,
        MomentumIterative.Entry,
        ProjectedGradientDescent.Entry,
        AutoProjectedGradientDescent.Entry,
        AutoAttack.Entry,
        Lbfgs.Entry,
        DeepFool.Entry,
        JacobianSaliencyMap.Entry,
        CarliniWagnerL2.Entry,
        CarliniWagnerL0.Entry,
        CarliniWagnerLinf.Entry,
        ElasticNet.Entry,
        DecoupledDirectionNorm.Entry,
        FastMinimumNorm.Entry,
        FastAdaptiveBoundary.Entry,
        OptMargin.Entry,
        HotCold.Entry,
        Houdini.Entry,
        StAdv.Entry,
        UniversalPerturbation.Entry,
        UniversalNetwork.Entry,
        Upset.Entry,
        Angri.Entry,
        AdversarialTransformation.Entry,
        AdvGan.Entry,
        AdversarialPatch.Entry,
        Lavan.Entry,
        RobustPhysicalPerturbations.Entry,
        GroundTruth.Entry,
        ZerothOrder.Entry,
        AutoZoom.Entry,
        NaturalEvolution.Entry,
        SimultaneousPerturbation.Entry,
        SquareAttack.Entry,
        OnePixel.Entry,
        LocalSearch.Entry,
        GeneticAttack.Entry,
        SimpleBlackBox.Entry,
        DistilledAdvGan.Entry,
        RandomSearch.Entry,
        BoundaryAttack.Entry,
        HopSkipJump.Entry,
        PobaGa.Entry,
        Substitute.Entry,
        EnsembleTransfer.Entry,
    ];

    /// <summary>The attack of a name.</summary>
    /// <exception cref="UserErrorException">There is none; the message lists those there are.</exception>
    public static AttackEntry Find(string name) =>
        All.FirstOrDefault(entry => entry.Name == name)
        ?? throw new UserErrorException(
            $"there is no attack \"{name}\"{NearestName.Hint(name, All.Select(entry => entry.Name))}; the attacks: "
                + $"{string.Join(", ", All.Select(entry => entry.Name))}"
        );

    /// <summary>
    /// Reads <c>NAME</c> or <c>NAME:key=value,key=value</c>, for example <c>pgd:eps=0.1,0.2,8/255,steps=40,norm=l2</c>.
    /// </summary>
    /// <remarks>
    /// A piece without an equals sign is a further value of the option before it; only eps takes several. Every attack
    /// that can aim at a class takes <c>target</c>: next, random, least-likely or the number of a class.
    /// </remarks>
    /// <exception cref="UserErrorException">The attack, an option or a value is not valid; the message says what
    /// is.</exception>
    public static AttackSpec Parse(string text)
    {
        string[] parts = text.Split(':', 2);
        AttackEntry entry = Find(parts[0].Trim());
        var settings = new List<(string Name, List<string> Values)>();
        foreach (string piece in parts.Length == 1 ? [] : parts[1].Split(','))
        {
            string[] pair = piece.Split('=', 2);
            string value = pair[^1].Trim();
            if (pair.Length == 2)
                settings.Add((pair[0].Trim(), [value]));
            else if (settings.Count > 0)
                settings[^1].Values.Add(value);
            else
                throw new UserErrorException(
                    $"expected NAME:key=value,key=value, got \"{text}\": \"{value}\" is no key=value"
                );
        }

        TargetChoice? target = null;
        if (settings.Find(setting => setting.Name == AttackEntry.Target) is { Values: { } targets })
        {
            if (!entry.CanTarget)
                throw new UserErrorException(
                    $"the attack {entry.Name} cannot aim at a class; leave out {AttackEntry.Target}"
                );
            target =
                TargetChoice.TryParse(targets[0])
                ?? throw new UserErrorException(
                    $"the attack {entry.Name} takes for {AttackEntry.Target} {TargetChoice.Values}, got "
                        + $"\"{targets[0]}\""
                );
        }

        foreach (var (name, values) in settings)
        {
            if (settings.Count(setting => setting.Name == name) > 1)
                throw new UserErrorException($"the option {name} of {entry.Name} is given twice; give its values once");
            if (values.Count > 1 && name != AttackEntry.Budgets)
                throw new UserErrorException(
                    $"the option {name} of {entry.Name} takes one value, got {string.Join(", ", values)}"
                );
        }

        // Creating the attack with each budget checks each of them.
        List<string?> budgets = [.. settings.Find(setting => setting.Name == AttackEntry.Budgets).Values ?? []];
        if (budgets.Count == 0)
            budgets.Add(null);
        var attacks = budgets.ConvertAll(budget =>
            entry.Create(
                settings
                    .Where(setting => setting.Name != AttackEntry.Target)
                    .Select(setting =>
                        KeyValuePair.Create(
                            setting.Name,
                            setting.Name == AttackEntry.Budgets ? budget! : setting.Values[0]
                        )
                    )
            )
        );

        // What an attack has loaded, the others have loaded too.
        foreach (IDisposable checkedOnly in attacks.Skip(1).OfType<IDisposable>())
            checkedOnly.Dispose();
        return new AttackSpec(
            entry,
            attacks[0],
            [.. attacks.OfType<IBudgetAttack<IClassifier>>().Select(attack => attack.Epsilon)],
            target
        );
    }
}
