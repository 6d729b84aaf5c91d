namespace Parry.Models.Training;

/// <summary>What one step of a training measured.</summary>
public interface ITrainingStep
{
    /// <summary>Whether everything measured is finite; if not, the training has diverged.</summary>
    bool IsFinite { get; }
}
