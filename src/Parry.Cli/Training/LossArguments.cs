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
/// teacher or student of distillation, or noise; and robust manifold training in addition to adversarial training.
/// </summary>
internal sealed class LossArguments
{
    private readonly Option<string?> _adversarial = new("--adversarial")
    {
        Description =
            "Train on adversarial images that this attack makes from every batch, such as "
            + "pgd:eps=0.3,steps=40,step=0.01.",
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
            "With --adversarial, also learn to give the same answer to similar images of this generator or "
            + "variational auto-encoder.",
        HelpName = "GENERATOR",
    };
    private readonly Option<int?> _every = Arguments.Optional<int>(
        "--pairs-every",
        "Epochs between two searches for pairs of such images; by default 5."
    );
    private readonly Option<double?> _within = Arguments.Optional<double>(
        "--pairs-within",
        "The largest L2 distance of a pair; by default 1.5."
    );
    private readonly Option<double?> _weight = Arguments.Optional<double>(
        "--pairs-weight",
        "The weight of pairs in the loss; by default 0.01."
    );

    private readonly Option<double?> _noise = Arguments.Optional<double>(
        "--noise",
        "Standard deviation of normal noise on training images: for the classifier behind randomized smoothing."
    );

    /// <summary>All options.</summary>
    public IEnumerable<Option> All =>
        [_adversarial, _share, _warmUp, _sources, _manifold, _every, _within, _weight, _temperature, _distill, _noise];

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
            result.GetValue(_manifold) is null
            && (
                result.GetValue(_every) is not null
                || result.GetValue(_within) is not null
                || result.GetValue(_weight) is not null
            )
        )
            throw new UserErrorException(
                "expected --robust-manifold together with --pairs-every, --pairs-within or --pairs-weight: name "
                    + "the model that draws the pairs"
            );
        if (attack is not null)
            return result.GetValue(_manifold) is { } generator
                ? Manifold(result, attack, generator, context)
                : Adversarial(result, attack, context.Classifier);
        if (
            result.GetValue(_share) is not null
            || result.GetValue(_warmUp) is not null
            || result.GetValue(_sources) is not null
            || result.GetValue(_manifold) is not null
        )
            throw new UserErrorException(
                "expected --adversarial together with --adversarial-share, --warm-up, --sources or "
                    + "--robust-manifold: say which attack to train with, such as pgd:norm=l2,eps=1.5"
            );
        return noise is { } deviation ? new NoiseAugmentation(deviation)
            : teacher is null ? new CrossEntropy(temperature)
            : new Distillation(context.Classifier(teacher), teacher, temperature);
    }

    private RobustManifold Manifold(ParseResult result, string attack, string generator, DefenseContext context)
    {
        var search = new PairSearch(context.LatentModel(generator));
        var paper = new RobustManifold(
            Adversarial(result, attack, context.Classifier),
            search with
            {
                Distance = result.GetValue(_within) ?? search.Distance,
            },
            generator
        );
        return paper with
        {
            Every = result.GetValue(_every) ?? paper.Every,
            Weight = result.GetValue(_weight) ?? paper.Weight,
        };
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
            && spec.Target is null;
        return fits
            ? spec
            : throw new UserErrorException(
                "expected --adversarial to be an untargeted attack with one budget and no training, such as "
                    + $"fgsm:eps=0.3 or pgd:eps=0.3, got {text}"
            );
    }
}
