using Parry.Attacks.WhiteBox;
using Parry.Models;
using Parry.Options;
using static TorchSharp.torch;

namespace Parry.Attacks.Transfer;

/// <summary>
/// Transfer from an ensemble (Liu, Chen, Liu, Song, 2016, 1611.02770): the model itself is never asked; images are
/// crafted on other models, all at once, by attacking the mean of their probabilities or their logits, because what
/// fools several models tends to fool one more. Budget and norm are the inner attack's, PGD by default. Untargeted or
/// targeted as that attack is. The models are loaded when it is "trained", for which it asks for no images. Deviations:
/// all models weigh the same, and the inner attack's budget takes the place of the paper's weight of the distance.
/// </summary>
public sealed record EnsembleTransfer : IBudgetAttack<IPredictor>, ITrainedAttack<IPredictor>
{
    private readonly double? _epsilon;
    private IReadOnlyList<IClassifier>? _models;

    /// <inheritdoc/>
    public string Name => "transfer";

    /// <inheritdoc/>
    public Norm Norm => Inner.Norm;

    /// <summary>The largest perturbation, in the inner attack's norm; by default the inner attack's own.</summary>
    [Option("eps", "the largest perturbation, in the norm of the attack on the ensemble")]
    public double Epsilon
    {
        get => _epsilon ?? Inner.Epsilon;
        init => _epsilon = value;
    }

    /// <summary>Files or names of the models that images are crafted on.</summary>
    [Option("from", "the models of the ensemble; must be given", Values = "models as NAME+NAME")]
    public IReadOnlyList<string> From { get; init; } = [];

    /// <summary>The attack on the ensemble.</summary>
    [Option("attack", "the attack on the ensemble")]
    public IBudgetAttack<IClassifier> Inner { get; init; } = new ProjectedGradientDescent();

    /// <summary>What of the models is averaged.</summary>
    [Option("mean", "what of the models is averaged")]
    public EnsembleMean Mean { get; init; } = EnsembleMean.Probabilities;

    /// <inheritdoc/>
    public int TrainingImages => 0;

    /// <inheritdoc/>
    public bool IsTrained => _models is not null;

    /// <inheritdoc/>
    public void CheckFits(IPredictor model, IReadOnlyList<double> epsilons)
    {
        if (From.Count == 0)
            throw new UserErrorException(
                "the attack transfer crafts on other models: name them, as in transfer:from=mnist/a+mnist/e"
            );
        foreach (string name in From)
            ModelCatalog.Find(name);
        IAttack<IClassifier> inner = Inner;
        inner.CheckFits(model, epsilons);
    }

    /// <inheritdoc/>
    /// <exception cref="UserErrorException">No models are named, or one cannot be loaded or takes other
    /// images.</exception>
    public ITrainedAttack<IPredictor> Train(
        IPredictor model,
        Batch data,
        IReadOnlyList<double> epsilons,
        IProgress<double>? progress = null,
        CancellationToken cancellation = default
    )
    {
        CheckFits(model, epsilons);
        var models = new List<IClassifier>();
        try
        {
            foreach (string name in From)
                models.Add(ModelCatalog.LoadClassifier(name, model.Shape, model.Classes).Classifier);
            return this with { _models = models };
        }
        catch
        {
            Free(models);
            throw;
        }
    }

    /// <inheritdoc/>
    public Tensor Perturb(IPredictor model, Batch batch, double epsilon) => PerturbWithin(model, batch, [epsilon])[0];

    /// <inheritdoc/>
    public IReadOnlyList<Tensor> PerturbWithin(IPredictor model, Batch batch, IReadOnlyList<double> epsilons) =>
        Inner.PerturbWithin(
            new ModelEnsemble(
                _models ?? throw new InvalidOperationException("The attack transfer has not loaded its models."),
                Mean
            ),
            batch,
            epsilons
        );

    /// <summary>Frees the models.</summary>
    public void Dispose() => Free(_models ?? []);

    private static void Free(IEnumerable<IClassifier> models)
    {
        foreach (IDisposable model in models.OfType<IDisposable>())
            model.Dispose();
    }
}
