using Parry.Models;

namespace Parry.Defenses;

/// <summary>
/// A defense as an evaluation runs it: what the defender has, what an attacker who knows the defense rebuilds, and the
/// attacks known to break it. It purifies images, refuses some, replaces the classifier, or does several of these.
/// </summary>
public sealed record DefenseSpec
{
    /// <summary>The name in reports.</summary>
    public required string Name { get; init; }

    /// <summary>The purifier as the defender runs it; null for a defense that does not change images.</summary>
    public IPurifier? Purifier { get; init; }

    /// <summary>
    /// The purifier as the adaptive attacker rebuilds it, possibly a cheaper one; null for the defender's own.
    /// </summary>
    public IPurifier? AttackersPurifier { get; init; }

    /// <summary>
    /// In what the attacker's copy is weaker than what the defender runs, for a reader of the numbers; null where it is
    /// as strong.
    /// </summary>
    public string? WeakerCopy { get; init; }

    /// <summary>The number of purifications over which the attacker averages each gradient.</summary>
    public int Draws { get; init; } = 1;

    /// <summary>
    /// The classifier that replaces the evaluated one, for example one trained on purified or adversarial images or by
    /// distillation; null for the evaluated one.
    /// </summary>
    public IClassifier? Classifier { get; init; }

    /// <summary>
    /// What an attacker who knows the defense differentiates instead of that classifier, where it hides its gradients;
    /// null for the classifier itself.
    /// </summary>
    public IClassifier? AttackersClassifier { get; init; }

    /// <summary>The detectors. An image is refused when any of them refuses it.</summary>
    public IReadOnlyList<IDetector> Detectors { get; init; } = [];

    /// <summary>The attacks known to break it.</summary>
    public IReadOnlyList<KnownBreak> Breaks { get; init; } = [];

    /// <summary>Whether it is random, so that it may answer differently to the same image.</summary>
    public bool IsRandom => Purifier is { IsRandom: true };

    /// <summary>The purifier as the adaptive attacker has it.</summary>
    /// <exception cref="InvalidOperationException">The defense has no purifier.</exception>
    internal IPurifier AttackersCopy =>
        AttackersPurifier ?? Purifier ?? throw new InvalidOperationException($"{Name} has no purifier.");

    /// <summary>The projection as the adaptive attacker has it.</summary>
    /// <exception cref="InvalidOperationException">The defense has no purifier that projects.</exception>
    internal IProjection Projection =>
        AttackersCopy as IProjection ?? throw new InvalidOperationException($"{Name} is not a projection.");

    /// <summary>Words <see cref="WeakerCopy"/>.</summary>
    /// <param name="parts">What the copy has, what the defender has, and of what, such as "steps".</param>
    internal static string? Weaker(params (int Copy, int Own, string What)[] parts)
    {
        string[] weaker = [.. parts.Where(part => part.Copy < part.Own).Select(Worded)];
        return weaker.Length == 0 ? null : string.Join(", ", weaker);

        static string Worded((int Copy, int Own, string What) part) => $"{part.Copy} of {part.Own} {part.What}";
    }

    /// <summary>The model that gives the defense's answers.</summary>
    /// <param name="evaluated">The classifier that is defended.</param>
    public IPredictor Behind(IPredictor evaluated) => Classifier ?? evaluated;

    /// <summary>The defended classifier as the attacker who knows the defense sees it.</summary>
    /// <param name="evaluated">The classifier that is defended.</param>
    /// <param name="seed">Decides the draws of the attacker's copy, which differ from the defender's.</param>
    /// <returns>An <see cref="IClassifier"/> if the model behind the defense is one; otherwise it shows as much as that
    /// model. Its detectors are left out.</returns>
    public IPredictor KnownTo(IPredictor evaluated, long seed)
    {
        IPredictor model = AttackersClassifier ?? Behind(evaluated);
        return (AttackersPurifier ?? Purifier) is not { } purifier ? model
            : model is IClassifier classifier ? purifier.Protect(classifier, seed, Draws)
            : purifier.Protect(model, seed);
    }

    /// <summary>
    /// The defended classifier as an attacker sees it who also knows the defender's random draws: the white box
    /// revisited.
    /// </summary>
    /// <param name="evaluated">The classifier that is defended.</param>
    /// <param name="draws">The defender's draws for the samples 0, 1, 2 and so on.</param>
    public IPredictor WithDraws(IPredictor evaluated, SampleRandom draws)
    {
        IPredictor model = AttackersClassifier ?? Behind(evaluated);
        return Purifier is null ? model
            : model is IClassifier classifier ? Purifier.Protect(classifier, draws)
            : Purifier.Protect(model, draws);
    }

    /// <summary>
    /// A model with the detectors of this defense before it, as an evaluation counts its answers: what they refuse
    /// counts as its true class. Attacks on it seek images that are misclassified and accepted. Gradients, if the model
    /// has them, also lower the scores of the detectors that refuse an image.
    /// </summary>
    /// <param name="model">The model behind the detectors: <see cref="KnownTo"/> or <see cref="WithDraws"/>.</param>
    /// <param name="truth">The true classes of the samples.</param>
    /// <param name="draws">The draws of the detectors.</param>
    /// <param name="weight">How much the detectors count beside the classifier, above 0.</param>
    internal IPredictor Refusing(IPredictor model, TrueClasses truth, CallDraws draws, double weight)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(weight);
        return Detectors.Count == 0 ? model : new Refusal(Detectors, truth, draws, weight).Before(model);
    }
}
