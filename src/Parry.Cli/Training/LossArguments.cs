using System.CommandLine;
using Parry.Attacks;
using Parry.Catalogs;
using Parry.Defenses;
using Parry.Defenses.Breaks;
using Parry.Defenses.Training;
using Parry.Models;
using Parry.Models.Training;

namespace Parry.Cli.Training;

/// <summary>
/// The options of <c>parry train classifier</c> that choose the loss: the ordinary one, adversarial training, that of a
/// teacher or student of distillation, or noise; and robust manifold training in addition to any of them.
/// </summary>
internal sealed class LossArguments
{
    private const string CrossEntropyName = "cross-entropy";

    private readonly Option<string?> _adversarial = new("--adversarial")
    {
        Description =
            "Train on adversarial images that this attack makes from every batch, such as "
            + "pgd:eps=0.3,steps=40,step=0.01; or by a recipe with its own loss: "
            + "trades:eps=0.3,steps=10,beta=6 or mart:eps=0.3,steps=10,lambda=5.",
        HelpName = "ATTACK",
    };
    private readonly Option<double?> _share = Arguments.Optional<double>(
        "--adversarial-share",
        "The weight of adversarial images in the loss; by default 0.5 for one-step attacks, 1 for others.",
        orZero: true
    );
    private readonly Option<double?> _warmUp = Arguments.Optional<double>(
        "--warm-up",
        "Epochs over which the attack's budget grows from 0."
    );
    private readonly Option<string?> _sources = new("--sources")
    {
        Description = "Further models to attack, one drawn at random for each batch: ensemble adversarial training.",
        HelpName = "MODEL,…",
    };
    private readonly Option<double> _temperature = Arguments.Positive(
        "--temperature",
        "The number by which logits are divided in the loss: for the teacher and the student of distillation.",
        1.0
    );
    private readonly Option<string?> _distill = new("--distill")
    {
        Description = "Learn the probabilities of this teacher at the temperature instead of the labels.",
        HelpName = "MODEL",
    };

    private readonly Option<string?> _manifold = new("--robust-manifold")
    {
        Description =
            "Also learn to give the same answer to similar images of this generator or variational auto-encoder.",
        HelpName = "GENERATOR",
    };
    private readonly Option<double?> _every = Arguments.Optional<double>(
        "--pairs-every",
        "Epochs between two searches for pairs of such images; by default 5."
    );
    private readonly Option<string> _difference = Arguments.Choice(
        "--pairs-loss",
        "What is small for a pair: the cross entropy between its two answers, or, as in the paper's first version, "
            + "their squared difference, with the weight W of pairs and 1 - W of the other loss.",
        CrossEntropyName,
        "squared"
    );
    private readonly Option<double?> _within = Arguments.Optional<double>(
        "--pairs-within",
        "The largest L2 distance of a pair; by default 1.5."
    );
    private readonly Option<double?> _weight = Arguments.Optional<double>(
        "--pairs-weight",
        "The weight of pairs in the loss; by default 0.01, or 0.5 if squared."
    );

    private readonly Option<double?> _noise = Arguments.Optional<double>(
        "--noise",
        "Standard deviation of normal noise on training images: for the classifier behind randomized smoothing."
    );

    /// <summary>All options.</summary>
    public IEnumerable<Option> All =>
        [
            _adversarial,
            _share,
            _warmUp,
            _sources,
            _manifold,
            _every,
            _difference,
            _within,
            _weight,
            _temperature,
            _distill,
            _noise,
        ];

    /// <summary>Makes the loss from the given options.</summary>
    /// <param name="result">The command line.</param>
    /// <param name="context">Loads the models that they name.</param>
    /// <exception cref="UserErrorException">They cannot be combined, or they name something that does not
    /// exist.</exception>
    public ITrainingLoss Of(ParseResult result, DefenseContext context)
    {
        double temperature = result.GetValue(_temperature);
        string? teacher = result.GetValue(_distill);
        string? attack = result.GetValue(_adversarial);
        double? noise = result.GetValue(_noise);
        if (
            new[] { attack is not null, teacher is not null || temperature != 1, noise is not null }.Count(given =>
                given
            ) > 1
        )
            throw new UserErrorException(
                "expected one of --adversarial, --noise, and --temperature with or without --distill, got several: "
                    + "train with one of them"
            );
        if (
            attack is null
            && (
                result.GetValue(_share) is not null
                || result.GetValue(_warmUp) is not null
                || result.GetValue(_sources) is not null
            )
        )
            throw new UserErrorException(
                "expected --adversarial together with --adversarial-share, --warm-up or --sources: say which attack to "
                    + "train with, such as pgd:eps=0.3"
            );

        ITrainingLoss loss =
            attack is not null && AdversarialRecipes.Parse(attack) is { } recipe ? Recipe(result, recipe)
            : attack is not null ? Adversarial(result, attack, context.Classifier)
            : noise is { } deviation ? new NoiseAugmentation(deviation)
            : teacher is null ? new CrossEntropy(temperature)
            : new Distillation(context.Classifier(teacher), teacher, temperature);
        return WithPairs(result, loss, context);
    }

    private ITrainingLoss WithPairs(ParseResult result, ITrainingLoss loss, DefenseContext context)
    {
        double? every = result.GetValue(_every);
        double? within = result.GetValue(_within);
        double? weight = result.GetValue(_weight);
        bool isSquared = result.GetValue(_difference) != CrossEntropyName;
        if (result.GetValue(_manifold) is not { } generator)
            return every is null && within is null && weight is null && !isSquared
                ? loss
                : throw new UserErrorException(
                    "expected --robust-manifold together with --pairs-every, --pairs-loss, --pairs-within or "
                        + "--pairs-weight: name the model that draws the pairs"
                );
        if (isSquared && weight > 1)
            throw new UserErrorException($"expected --pairs-weight to be at most 1 if squared, got {weight}");
        PairSearch search = new(context.LatentModel(generator))
        {
            Difference = isSquared ? PairDifference.Squared : PairDifference.CrossEntropy,
        };
        var paper = new RobustManifold(loss, search with { Distance = within ?? search.Distance }, generator);
        return paper with { Every = every ?? paper.Every, Weight = weight ?? paper.Weight };
    }

    private AdversarialRecipe Recipe(ParseResult result, AdversarialRecipe recipe)
    {
        if (result.GetValue(_share) is not null || result.GetValue(_sources) is not null)
            throw new UserErrorException(
                "expected --adversarial-share and --sources with an attack only, got the recipe "
                    + $"{recipe.Name}: leave them out"
            );
        return recipe with { WarmUp = result.GetValue(_warmUp) ?? 0 };
    }

    private AdversarialTraining Adversarial(ParseResult result, string attack, Func<string, IClassifier> load)
    {
        AttackSpec spec = Parse(attack);
        var training = new AdversarialTraining((IBudgetAttack<IClassifier>)spec.Attack)
        {
            AttackText = spec.Text,
            WarmUp = result.GetValue(_warmUp) ?? 0,
            Sources =
            [
                .. (result.GetValue(_sources) ?? "")
                    .Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                    .Select(name => (name, load(name))),
            ],
        };
        return result.GetValue(_share) is { } share ? training with { Share = share } : training;
    }

    private static AttackSpec Parse(string text)
    {
        AttackSpec spec = AttackCatalog.Parse(text);
        bool fits =
            spec.Attack is IBudgetAttack<IClassifier> and not ITrainedAttack<IClassifier>
            && spec.Epsilons.Count == 1
            && spec.Target is null
            && spec.Mask is null;
        return fits
            ? spec
            : throw new UserErrorException(
                "expected --adversarial to be an untargeted attack with one budget, no mask and no training, such as "
                    + $"fgsm:eps=0.3 or pgd:eps=0.3, got {text}"
            );
    }
}
