using Parry.Attacks;
using Parry.Attacks.Generative;
using Parry.Catalogs;
using Parry.Cli.Verbs;

namespace Parry.Cli.Tests;

/// <summary>What the demo is made of; running it takes more than a minute.</summary>
public sealed class DemoTests
{
    [Fact]
    public void Its_attacks_are_valid_and_AdvGan_comes_trained_for_the_demos_budget()
    {
        AttackSpec[] attacks = [.. DemoVerb.Attacks.Select(AttackCatalog.Parse)];
        using AdvGan advgan = Assert.IsType<AdvGan>(attacks.Single(attack => attack.Name == "advgan").Attack);
        Assert.True(advgan.IsTrained);
        Assert.Equal((0.1, Norm.Linf), (advgan.Epsilon, advgan.Norm));
    }
}
