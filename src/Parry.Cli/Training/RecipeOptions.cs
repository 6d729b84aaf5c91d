using System.CommandLine;
using System.Globalization;
using Parry.Models.Training;

namespace Parry.Cli.Training;

/// <summary>The options of a classifier's optimizer and of the random changes of its images.</summary>
internal sealed class RecipeOptions
{
    private const double UsualMomentum = 0.9;

    private readonly Option<string> _optimizer = Arguments.Choice(
        "--optimizer",
        "Adam, or stochastic gradient descent.",
        "adam",
        "sgd"
    );
    private readonly Option<double?> _momentum = Arguments.Optional<double>(
        "--momentum",
        "The momentum of --optimizer sgd; by default 0.9.",
        orZero: true
    );
    private readonly Option<double?> _weightDecay = Arguments.Optional<double>(
        "--weight-decay",
        "The weight of the weights themselves in their gradients, usually 1e-4 or 5e-4; by default 0.",
        orZero: true
    );
    private readonly Option<double?> _weightPerturbation = Arguments.Optional<double>(
        "--weight-perturbation",
        "The size of adversarial weight perturbation (AWP) relative to the weights, usually 0.005 to 0.01; by default "
            + "0.",
        orZero: true
    );
    private readonly Option<string?> _milestones = new("--milestones")
    {
        Description = "Epochs after which the step size is divided by 10, such as 100,150.",
        HelpName = "N,…",
    };
    private readonly Option<bool> _mirror = new("--mirror")
    {
        Description =
            "Mirror a random half of the training images in every epoch, for classes that do not depend on left and "
            + "right.",
    };
    private readonly Option<int?> _crop = Arguments.Optional<int>(
        "--crop",
        "Shift each training image by up to so many pixels, by padding and a random crop, usually 4; by default 0.",
        orZero: true
    );

    /// <summary>All options.</summary>
    public IEnumerable<Option> All =>
        [_optimizer, _momentum, _weightDecay, _weightPerturbation, _milestones, _mirror, _crop];

    /// <summary>A recipe with the given options.</summary>
    /// <exception cref="UserErrorException">They cannot be combined, or a milestone is no number.</exception>
    public ClassifierTraining Of(TrainingRun run, ClassifierTraining recipe)
    {
        double? momentum = run.Value(_momentum);
        bool descends = run.Value(_optimizer) == "sgd";
        if (momentum is not null && !descends)
            throw new UserErrorException(
                "expected --optimizer sgd together with --momentum: Adam has momenta of its own"
            );
        return recipe with
        {
            Momentum = descends ? momentum ?? UsualMomentum : null,
            WeightDecay = run.Value(_weightDecay) ?? 0,
            WeightPerturbation = run.Value(_weightPerturbation) ?? 0,
            Milestones = Milestones(run.Value(_milestones)),
            Mirror = run.Value(_mirror),
            Crop = run.Value(_crop) ?? 0,
        };
    }

    private static int[] Milestones(string? text) =>
        [.. (text ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries).Select(epoch => Epoch(epoch, text!))];

    private static int Epoch(string epoch, string text) =>
        int.TryParse(epoch, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            ? number
            : throw new UserErrorException($"expected --milestones to be epochs such as 100,150, got {text}");
}
