using System.Globalization;
using Parry.Attacks;
using Parry.Attacks.WhiteBox;
using Parry.Data;
using Parry.Models;
using Parry.Models.Training;
using Parry.Options;
using static TorchSharp.torch;

namespace Parry.Defenses.Training;

/// <summary>
/// Adversarial training: minimizes (1 - share) · CE(x, y) + share · CE(x_adv, y), where x_adv is attacked anew for
/// every batch.
/// <list type="bullet">
/// <item>With FGSM and share 1/2 it is that of Goodfellow, Shlens and Szegedy (2014, 1412.6572).</item>
/// <item>With PGD and share 1 it is that of Madry et al. (2017, 1706.06083).</item>
/// <item>With FGSM and <see cref="Sources"/> it is ensemble adversarial training (Tramèr et al., 2017, 1705.07204):
/// each batch is attacked on a model drawn with equal probability from the one in training and the given ones, which
/// are not trained.</item>
/// </list>
/// The attack runs on the network in evaluation mode, and the loss treats its result as a constant. One-step attacks
/// lead away from the class that the attacked model predicts, others from the true class: a step away from the true
/// class would leak the label into the image, where the network learns to read it (Kurakin, Goodfellow, Bengio, 2016,
/// 1611.01236).
/// </summary>
/// <remarks>
/// No known break is listed for this defense: the adaptive rows of a report are its honest test. Where PGD's last
/// iterate is classified correctly, it returns the last one here that is not.
/// </remarks>
/// <param name="Attack">The attack, within its own budget.</param>
public sealed record AdversarialTraining(IBudgetAttack<IClassifier> Attack) : ITrainingLoss
{
    private readonly double? _share;

    /// <summary>
    /// The attack with all its options as on the command line, for weight files and checkpoints; null for its name and
    /// budget alone.
    /// </summary>
    public string? AttackText { get; init; }

    /// <summary>
    /// The weight of the adversarial images, in [0, 1]; by default 1/2 for one-step attacks and 1 for others.
    /// </summary>
    public double Share
    {
        get => _share ?? (IsOneStep ? 0.5 : 1);
        init =>
            _share = value is >= 0 and <= 1
                ? value
                : throw new UserErrorException($"expected a share of adversarial images in 0 to 1, got {value}");
    }

    /// <summary>
    /// Epochs over which the budget grows linearly from 0. With a budget of 0.3 from the first batch, PGD training may
    /// stay at chance for long.
    /// </summary>
    public double WarmUp { get; init; }

    /// <summary>
    /// Further models to attack, of the same images and classes, with their names.
    /// </summary>
    public IReadOnlyList<(string Name, IClassifier Model)> Sources { get; init; } = [];

    private string NameAndBudget => $"{Attack.Name}:eps={Options.Numbers.Text(Attack.Epsilon)}";

    private bool IsOneStep => Attack is FastGradientSign or RandomFastGradientSign;

    /// <inheritdoc/>
    public string Description
    {
        get
        {
            string text = string.Create(
                CultureInfo.InvariantCulture,
                $"adversarial training with {AttackText ?? NameAndBudget}, share {Share}"
            );
            if (WarmUp > 0)
                text += string.Create(CultureInfo.InvariantCulture, $", warm-up over {WarmUp} epochs");
            return Sources.Count == 0
                ? text
                : $"{text}, sources itself and {string.Join(", ", Sources.Select(source => source.Name))}";
        }
    }

    /// <inheritdoc/>
    public Tensor Attacked(TrainingPiece piece)
    {
        int number = SourceOf(piece.BatchSeed);
        IClassifier source = number == 0 ? piece.Classifier : Sources[number - 1].Model;
        var images = new Images(piece.Images, piece.Random.Samples);
        Goal goal = Goal.Untargeted(IsOneStep ? source.Predict(images) : piece.Labels);
        double budget = Attack.Epsilon * piece.WarmedUp(WarmUp);
        return Attack.PerturbWithin(source, new Batch(images, goal, piece.Random), [budget])[0];
    }

    /// <inheritdoc/>
    public (Tensor Loss, Tensor Logits) Of(nn.Module<Tensor, Tensor> network, TrainingPiece piece)
    {
        Tensor logits = network.forward(piece.Attacked);
        Tensor loss = CrossEntropy.Sum(logits, piece.Labels);
        if (Share == 1)
            return (loss, logits);
        Tensor clean = CrossEntropy.Sum(network.forward(piece.Images), piece.Labels);
        return (((1 - Share) * clean) + (Share * loss), logits);
    }

    /// <summary>The model that a batch is attacked on: 0 for the one in training, then the sources.</summary>
    internal int SourceOf(long batchSeed) => new SplitMix64((ulong)batchSeed).Next(1 + Sources.Count);
}

/// <summary>The options of a classifier from <see cref="AdversarialTraining"/> as a defense.</summary>
public sealed record AdversarialTrainingSettings : IDefenseSettings
{
    /// <summary>The classifier's file or name.</summary>
    [Option("weights", "the classifier's file or name")]
    public string? Weights { get; init; }

    /// <inheritdoc/>
    public DefenseSpec Create(DefenseContext context)
    {
        string weights =
            Weights
            ?? throw new UserErrorException(
                "the defense adversarial-training needs weights=FILE: train it with parry train classifier "
                    + "--adversarial"
            );
        return new DefenseSpec { Name = "adversarial-training", Classifier = context.Classifier(weights) };
    }
}
