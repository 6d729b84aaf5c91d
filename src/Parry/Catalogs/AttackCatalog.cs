using Parry.Attacks;
using Parry.Attacks.DecisionBased;
using Parry.Attacks.Exact;
using Parry.Attacks.Generative;
using Parry.Attacks.Physical;
using Parry.Attacks.ScoreBased;
using Parry.Attacks.Transfer;
using Parry.Attacks.Universal;
using Parry.Attacks.WhiteBox;
using Parry.Models;
using Parry.Options;

namespace Parry.Catalogs;

/// <summary>
/// Every attack, and the reader of texts such as <c>pgd:eps=0.1,0.2,8/255,steps=40,norm=l2</c>. A new attack is one
/// line here.
/// </summary>
public static class AttackCatalog
{
    /// <summary>All attacks, those that see more of the model first.</summary>
    public static IReadOnlyList<AttackEntry> All { get; } =
    [
        new(
            new FastGradientSign(),
            "FGSM",
            "one step of the full budget along the gradient's sign",
            "Goodfellow, Shlens, Szegedy, 2014, 1412.6572"
        ),
        new(new RandomFastGradientSign(), "RAND+FGSM", "FGSM after a random step", "Tramèr et al., 2017, 1705.07204"),
        new(new BasicIterative(), "BIM", "many small FGSM steps", "Kurakin, Goodfellow, Bengio, 2016, 1607.02533"),
        new(
            new IterativeLeastLikely(),
            "ILCM",
            "many small steps towards the least likely class",
            "Kurakin, Goodfellow, Bengio, 2016, 1607.02533"
        ),
        new(
            new MomentumIterative(),
            "MI-FGSM",
            "small FGSM steps along accumulated gradients",
            "Dong et al., 2017, 1710.06081"
        ),
        new(
            new ProjectedGradientDescent(),
            "PGD",
            "gradient steps from a random start, projected onto the budget",
            "Madry et al., 2017, 1706.06083"
        ),
        new(
            new AutoProjectedGradientDescent(),
            "APGD",
            "PGD with momentum and an automatic step size",
            "Croce and Hein, 2020, 2003.01690"
        ),
        new(
            new AutoAttack(),
            "AutoAttack",
            "APGD, targeted APGD, FAB and Square, each on the images that those before did not fool",
            "Croce and Hein, 2020, 2003.01690"
        ),
        new(
            new Lbfgs(),
            "L-BFGS",
            "smallest L2 change, by box-constrained L-BFGS and a search over the trade-off",
            "Szegedy et al., 2013, 1312.6199"
        ),
        new(
            new DeepFool(),
            "DeepFool",
            "steps onto the nearest boundary of the linearized model",
            "Moosavi-Dezfooli, Fawzi, Frossard, 2015, 1511.04599"
        ),
        new(
            new JacobianSaliencyMap(),
            "JSMA",
            "repeatedly changes the pair of values with the largest effect on the target",
            "Papernot et al., 2015, 1511.07528"
        ),
        new(
            new CarliniWagnerL2(),
            "Carlini-Wagner",
            "smallest L2 change, by Adam in tanh space and a search over the trade-off",
            "Carlini and Wagner, 2016, 1608.04644"
        ),
        new(
            new CarliniWagnerL0(),
            "Carlini-Wagner L0",
            "fewest changed pixels: the L2 attack on a shrinking set of them",
            "Carlini and Wagner, 2016, 1608.04644"
        ),
        new(
            new CarliniWagnerLinf(),
            "Carlini-Wagner L∞",
            "smallest L∞ change, by Adam in tanh space under a falling bound",
            "Carlini and Wagner, 2016, 1608.04644"
        ),
        new(
            new ElasticNet(),
            "EAD",
            "smallest L1 change, by shrinking steps and a search over the trade-off",
            "Chen et al., 2017, 1709.04114"
        ),
        new(
            new DecoupledDirectionNorm(),
            "DDN",
            "smallest L2 change: gradient steps whose length grows or shrinks with success",
            "Rony et al., 2018, 1811.09600"
        ),
        new(
            new FastMinimumNorm(),
            "FMN",
            "smallest change in any norm: gradient steps in a ball that follows the boundary",
            "Pintor et al., 2021, 2102.12827"
        ),
        new(
            new FastAdaptiveBoundary(),
            "FAB",
            "smallest change, by projections onto the linearized boundary",
            "Croce and Hein, 2019, 1907.02044"
        ),
        new(new SigmaZero(), "σ-zero", "fewest values, by Adam on a smooth count", "Cinà et al., 2024, 2402.01879"),
        new(
            new AugmentedLagrangian(),
            "ALMA",
            "smallest change: gradient steps on the distance and a penalty whose weight adapts",
            "Rony et al., 2020, 2011.11857"
        ),
        new(
            new PrimalDualDescent(),
            "PDPGD",
            "smallest change in any norm: gradient steps on the goal and proximal steps on the distance",
            "Matyasko and Chau, 2021, 2106.01538"
        ),
        new(
            new BrendelBethge(),
            "Brendel-Bethge",
            "smallest change in any norm: steps along the boundary to its point nearest to the image",
            "Brendel et al., 2019, 1907.01003"
        ),
        new(
            new OptMargin(),
            "OptMargin",
            "small change that stays adversarial at random points around it",
            "He, Li, Song, 2018, openreview BkpiPMbA-"
        ),
        new(
            new HotCold(),
            "Hot-Cold",
            "a line search along one gradient between two logits",
            "Rozsa, Rudd, Boult, 2016, 1605.01775"
        ),
        new(
            new Houdini(),
            "Houdini",
            "gradient steps on a surrogate of the task's own loss",
            "Cisse et al., 2017, 1707.05373"
        ),
        new(new StAdv(), "stAdv", "a smooth flow that moves pixels", "Xiao et al., 2018, 1801.02612"),
        new(
            new UniversalPerturbation(),
            "UAP",
            "one perturbation for all images, accumulated from DeepFool's steps",
            "Moosavi-Dezfooli et al., 2016, 1610.08401"
        ),
        new(
            new UniversalNetwork(),
            "UAN",
            "one perturbation for all images, drawn by a trained network",
            "Hayes and Danezis, 2017, 1708.05207"
        ),
        new(
            new Upset(),
            "UPSET",
            "one perturbation for each target class, by a trained network",
            "Sarkar, Bansal, Mahbub, Chellappa, 2017, 1707.01159"
        ),
        new(
            new Angri(),
            "ANGRI",
            "a trained network that redraws an image as the target class",
            "Sarkar, Bansal, Mahbub, Chellappa, 2017, 1707.01159"
        ),
        new(
            new AdversarialTransformation(),
            "ATN",
            "a trained network that turns images into adversarial ones",
            "Baluja and Fischer, 2017, 1703.09387"
        ),
        new(
            new AdvGan(),
            "AdvGAN",
            "a trained generator that draws perturbations, against a discriminator",
            "Xiao et al., 2018, 1801.02610"
        ),
        new(
            new AdversarialPatch(),
            "Adversarial patch",
            "one sticker for all images, at any position, rotation and size",
            "Brown, Mané, Roy, Abadi, Gilmer, 2017, 1712.09665"
        ),
        new(
            new Lavan(),
            "LaVAN",
            "a small square of visible noise; the rest of the image is unchanged",
            "Karmon, Zoran, Goldberg, 2018, 1801.02608"
        ),
        new(
            new RobustPhysicalPerturbations(),
            "RP2",
            "stickers that fool the model in many views of the image",
            "Eykholt et al., 2017, 1707.08945"
        ),
        new(
            new GroundTruth(),
            "Ground truth",
            "provably smallest change for a small ReLU network, by mixed-integer programming",
            "Carlini, Katz, Barrett and Dill, 2017, 1709.10207"
        ),
        new(
            new ZerothOrder(),
            "ZOO",
            "smallest L2 change, by coordinate descent on differences of scores",
            "Chen et al., 2017, 1708.03999"
        ),
        new(
            new AutoZoom(),
            "AutoZOOM",
            "small L2 change through a decoder, along random directions",
            "Tu et al., 2018, 1805.11770"
        ),
        new(
            new NaturalEvolution(),
            "NES",
            "PGD with gradients estimated from scores along Gaussian directions",
            "Ilyas et al., 2018, 1804.08598"
        ),
        new(
            new SimultaneousPerturbation(),
            "SPSA",
            "Adam on gradients estimated from scores along random signs",
            "Uesato et al., 2018, 1802.05666"
        ),
        new(
            new SquareAttack(),
            "Square",
            "random squares at the edge of the budget, kept when they help",
            "Andriushchenko et al., 2019, 1912.00049"
        ),
        new(
            new OnePixel(),
            "One-Pixel",
            "a few pixels, found by differential evolution",
            "Su, Vargas, Sakurai, 2017, 1710.08864"
        ),
        new(
            new LocalSearch(),
            "LSA",
            "changes the pixels that matter most, searching around them",
            "Narodytska, Kasiviswanathan, 2016, 1612.06299"
        ),
        new(
            new GeneticAttack(),
            "GenAttack",
            "a genetic algorithm on small populations of perturbations",
            "Alzantot et al., 2018, 1805.11090"
        ),
        new(
            new SimpleBlackBox(),
            "SimBA",
            "keeps steps along random pixels or frequencies that help",
            "Guo et al., 2019, 1905.07121"
        ),
        new(
            new DistilledAdvGan(),
            "Distilled AdvGAN",
            "AdvGAN's generator, trained on a local model that is distilled from the scores",
            "Xiao et al., 2018, 1801.02610"
        ),
        new(
            new RandomSearch(),
            "Random search",
            "random perturbations at the edge of the budget, until one fools the model",
            "Athalye, Carlini, Wagner, 2018, 1802.00420"
        ),
        new(
            new BoundaryAttack(),
            "Boundary attack",
            "smallest L2 change from labels alone, by a random walk along the decision boundary",
            "Brendel, Rauber and Bethge, 2017, 1712.04248"
        ),
        new(
            new HopSkipJump(),
            "HopSkipJump",
            "smallest change from labels alone: boundary normals by sampling, and binary searches",
            "Chen, Jordan and Wainwright, 2019, 1904.02144"
        ),
        new(new RayS(), "RayS", "smallest Linf change from labels alone", "Chen and Gu, 2020, 2006.12792"),
        new(
            new SignOpt(),
            "Sign-OPT",
            "smallest L2 change from labels alone: descent by the signs of slopes of the distance",
            "Cheng et al., 2019, 1909.10773"
        ),
        new(
            new SurFree(),
            "SurFree",
            "smallest L2 change from labels alone: turns on circles in random planes, without gradients",
            "Maho, Furon and Le Merrer, 2020, 2011.12807"
        ),
        new(
            new GeoDa(),
            "GeoDA",
            "smallest change from labels alone: along the normal of a nearly flat boundary",
            "Rahmati et al., 2020, 2003.06468"
        ),
        new(
            new PobaGa(),
            "POBA-GA",
            "small change from labels alone, found by a genetic algorithm",
            "Chen et al., 2019, 1906.03181"
        ),
        new(
            new Substitute(),
            "Substitute",
            "an attack on a substitute that is trained on the model's labels",
            "Papernot et al., 2016, 1602.02697"
        ),
        new(
            new EnsembleTransfer(),
            "Ensemble transfer",
            "an attack on an ensemble of other models",
            "Liu, Chen, Liu, Song, 2016, 1611.02770"
        ),
    ];

    /// <summary>The attack of a name.</summary>
    /// <exception cref="UserErrorException">There is none; the message lists those there are.</exception>
    public static AttackEntry Find(string name)
    {
        string[] names = [.. All.Select(entry => entry.Name)];
        return All.FirstOrDefault(entry => entry.Name == name)
            ?? throw new UserErrorException(
                $"there is no attack \"{name}\"{NearestName.Hint(name, names)}; the attacks: {string.Join(", ", names)}"
            );
    }

    /// <summary>
    /// Reads <c>NAME</c> or <c>NAME:key=value,key=value</c>, for example
    /// <c>pgd:eps=0.1,0.2,8/255,steps=40,norm=l2</c>.
    /// </summary>
    /// <remarks>
    /// The name of an option that is true or false stands for <c>name=true</c>; another piece without an equals sign is
    /// a further value of the option before it; only eps takes several. Every attack takes <c>target</c>: next, random,
    /// least-likely or the number of a class; and those that can leave pixels as they are take <c>mask</c>, a file.
    /// </remarks>
    /// <exception cref="UserErrorException">The attack, an option or a value is not valid; the message says what
    /// is.</exception>
    public static AttackSpec Parse(string text)
    {
        var (name, written) = OptionText.Parse(text, attack => Find(attack).Options);
        AttackEntry entry = Find(name);
        string[] names = [.. entry.Options.Select(option => option.Name), AttackEntry.Target, AttackEntry.Mask];
        (string Key, IReadOnlyList<string> Values)[] settings =
        [
            .. written.Select(setting => (Synonyms.Name(setting.Key, names) ?? setting.Key, setting.Values)),
        ];
        IReadOnlyList<string> budgets = entry.HasBudget ? ValuesOf(AttackEntry.Budgets) : [];
        TargetChoice? target = ValuesOf(AttackEntry.Target) is [var aim, ..] ? TargetChoice.Parse(name, aim) : null;
        PixelMask? mask = MaskOf(OptionText.Single(name, settings.Where(s => s.Key == AttackEntry.Mask)));
        var others = settings.Where(s =>
            s.Key is not (AttackEntry.Target or AttackEntry.Mask) && !(s.Key == AttackEntry.Budgets && entry.HasBudget)
        );
        IAttack<IClassifier> attack = entry.Create(OptionText.Single(name, others));
        if (budgets.Count == 0)
        {
            double[] own = attack is IBudgetAttack<IClassifier> within ? [within.Epsilon] : [];
            return new AttackSpec(entry, attack, own, target) { Mask = mask };
        }

        // Creating the attack with each budget checks each of them.
        IBudgetAttack<IClassifier>[] attacks =
        [
            .. budgets.Select(budget =>
                (IBudgetAttack<IClassifier>)entry.With(attack, [KeyValuePair.Create(AttackEntry.Budgets, budget)])
            ),
        ];
        return new AttackSpec(entry, attacks[0], [.. attacks.Select(one => one.Epsilon)], target) { Mask = mask };

        IReadOnlyList<string> ValuesOf(string key) =>
            settings.FirstOrDefault(setting => setting.Key == key).Values ?? [];
    }

    private static PixelMask? MaskOf(IEnumerable<KeyValuePair<string, string>> given) =>
        given.Select(option => PixelMask.Read(option.Value)).FirstOrDefault();
}
