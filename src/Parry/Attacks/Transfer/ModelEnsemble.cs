using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Attacks.Transfer;

/// <summary>
/// Several classifiers as one, all of the same weight. Where probabilities are averaged, its logits are the logarithms
/// of their means, so that its cross entropy is the ensemble's.
/// </summary>
public sealed class ModelEnsemble : IClassifier
{
    private readonly IReadOnlyList<IClassifier> _members;
    private readonly EnsembleMean _mean;

    /// <summary>Joins classifiers, which the caller owns.</summary>
    /// <param name="members">One or more, of the same images and classes.</param>
    /// <param name="mean">What is averaged.</param>
    /// <exception cref="UserErrorException">There are none, or they take other images or have other
    /// classes.</exception>
    public ModelEnsemble(IReadOnlyList<IClassifier> members, EnsembleMean mean)
    {
        if (members.Count == 0)
            throw new UserErrorException("an ensemble needs at least one model, got none");
        if (members.Any(member => member.Shape != members[0].Shape || member.Classes != members[0].Classes))
            throw new UserErrorException(
                "expected the models of an ensemble to take the same images and have the same classes, got "
                    + string.Join(" and ", members.Select(member => $"{member.Classes} classes of {member.Shape}"))
            );
        (_members, _mean) = (members, mean);
    }

    /// <inheritdoc/>
    public ImageShape Shape => _members[0].Shape;

    /// <inheritdoc/>
    public int Classes => _members[0].Classes;

    /// <inheritdoc/>
    public Tensor Logits(Images images)
    {
        Tensor logits = stack([.. _members.Select(member => member.Logits(images))]);
        return _mean == EnsembleMean.Logits ? logits.mean([0]) : logits.log_softmax(-1).logsumexp(0);
    }

    /// <inheritdoc/>
    public IDisposable? EnterEvaluation() => new Modes([.. _members.Select(member => member.EnterEvaluation())]);

    private sealed class Modes(IDisposable?[] modes) : IDisposable
    {
        public void Dispose()
        {
            foreach (IDisposable? mode in modes)
                mode?.Dispose();
        }
    }
}
