using System.ComponentModel.DataAnnotations;
using Parry.Models;
using Parry.Options;
using static TorchSharp.torch;

namespace Parry.Attacks.Universal;

/// <summary>
/// An attack that learns one perturbation for all images, within a ball of Linf or L2; towards a class, one for each
/// wanted class. Running it takes no pass of the model.
/// </summary>
public abstract record UniversalAttack : IBudgetAttack<IClassifier>, ITrainedAttack<IClassifier>
{
    private readonly double? _epsilon;
    private Perturbations? _learned;

    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <summary>The length of the perturbation in the attack's norm; by default 0.3 in Linf and 5 in L2.</summary>
    [Option("eps", "the largest perturbation; 5 when the norm is l2")]
    public double Epsilon
    {
        get => _epsilon ?? (Norm == Norm.Linf ? 0.3 : 5);
        init => _epsilon = value;
    }

    /// <summary>Linf or L2.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Another norm.</exception>
    [Option("norm", "how the perturbation is measured")]
    [AllowedValues(Norm.Linf, Norm.L2)]
    public Norm Norm
    {
        get;
        init => field = value.Among(Norm.Linf, Norm.L2);
    } = Norm.Linf;

    /// <inheritdoc/>
    public abstract int TrainingImages { get; init; }

    /// <inheritdoc/>
    public bool IsTrained => _learned is not null;

    /// <inheritdoc/>
    public ITrainedAttack<IClassifier> Train(
        IClassifier model,
        Batch data,
        IReadOnlyList<double> epsilons,
        IProgress<double>? progress = null,
        CancellationToken cancellation = default
    ) =>
        this with
        {
            _learned = Perturbations.Learn(
                Norm,
                model.Classes,
                data,
                epsilons,
                (some, epsilon, share) => Learn(model, some, epsilon, share, cancellation),
                progress
            ),
        };

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, Tensor>? Learned => _learned?.State;

    /// <inheritdoc/>
    public ITrainedAttack<IClassifier> WithLearned(IPredictor model, IReadOnlyDictionary<string, Tensor> learned) =>
        this with
        {
            _learned = Perturbations.Of(Norm, learned),
        };

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch, double epsilon)
    {
        Perturbations learned = _learned ?? throw new InvalidOperationException($"The attack {Name} is not trained.");
        return learned.Add(batch.Images, batch.Goal, epsilon);
    }

    /// <summary>Frees what it has learned.</summary>
    public void Dispose()
    {
        _learned?.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Learns the perturbation [1, C, H, W] of images that share one goal.</summary>
    /// <param name="model">In evaluation mode.</param>
    /// <param name="data">The images to learn from.</param>
    /// <param name="epsilon">The largest length of the perturbation.</param>
    /// <param name="progress">Told the share that is done.</param>
    /// <param name="cancellation">Stops between batches.</param>
    protected abstract Tensor Learn(
        IClassifier model,
        Batch data,
        double epsilon,
        IProgress<double> progress,
        CancellationToken cancellation
    );
}
