using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks;

/// <summary>What is checked around an attack: what users give to it, and what it gives back.</summary>
internal static class AttackChecks
{
    private const double Tolerance = 1e-6;
    private static readonly long[] s_everything = [0, 1, 2, 3];

    /// <summary>Checks what a user gives.</summary>
    /// <exception cref="UserErrorException">The images do not fit the model, or a number is out of its
    /// range.</exception>
    public static void Run(AttackRun run, IPredictor model)
    {
        Images(run.Images, model, run.Goal);
        Budgets(run.Epsilons ?? []);
        Limit(run.Limits?.Queries);
        Limit(run.Limits?.Gradients);
    }

    /// <summary>Checks the goal of an attack that was trained.</summary>
    /// <exception cref="UserErrorException">It was trained for the other kind of goal.</exception>
    public static void TrainedFor(Goal goal, bool targeted)
    {
        if (goal.IsTargeted != targeted)
            throw new UserErrorException(
                $"the attack was trained {(targeted ? "towards classes" : "untargeted")}: train it for the goal it is "
                    + "to have"
            );
    }

    /// <summary>Checks budgets.</summary>
    /// <exception cref="UserErrorException">One is negative or not a number.</exception>
    public static void Budgets(IReadOnlyList<double> epsilons)
    {
        foreach (double epsilon in epsilons)
        {
            if (!(epsilon >= 0))
                throw new UserErrorException($"A budget must be a number of at least 0, not {epsilon}.");
        }
    }

    /// <summary>Checks that budgets are no larger than the box [0, 1] of all images allows.</summary>
    /// <exception cref="UserErrorException">One is larger; the message says what was probably meant.</exception>
    public static void BudgetsWithinBox(Norm norm, IReadOnlyList<double> epsilons, ImageShape shape)
    {
        double largest = norm switch
        {
            Norm.Linf => 1,
            Norm.L2 => Math.Sqrt(shape.Pixels),
            _ => double.PositiveInfinity,
        };
        foreach (double epsilon in epsilons)
        {
            if (epsilon <= largest)
                continue;
            string meant = epsilon <= 255 * largest ? $": did you mean {epsilon:0.######}/255?" : "";
            throw new UserErrorException(
                norm == Norm.Linf
                    ? $"expected budgets in linf from 0 to 1, like values of images, got eps={epsilon:0.######}{meant}"
                    : $"expected budgets in l2 up to {largest:0.##}, which takes any image of {shape} to any other, "
                        + $"got eps={epsilon:0.######}{meant}"
            );
        }
    }

    /// <summary>Checks images and labels.</summary>
    /// <exception cref="UserErrorException">They do not fit the model, or one another.</exception>
    public static void Images(Tensor images, IPredictor model, Goal goal)
    {
        ImageShape shape = model.Shape;
        long[] expected = [images.size(0), shape.Channels, shape.Height, shape.Width];
        if (images.dtype != ScalarType.Float32 || images.size(0) == 0 || !images.shape.SequenceEqual(expected))
            throw new UserErrorException(
                $"The model takes images Float32[N, {shape.Channels}, {shape.Height}, {shape.Width}], not "
                    + $"{images.Describe()}."
            );
        if (goal.Labels.size(0) != images.size(0))
            throw new UserErrorException(
                $"There are {images.size(0)} images and {goal.Labels.size(0)} labels; give one label per image."
            );
        using var scope = NewDisposeScope();
        double least = goal.Labels.amin([0]).Item();
        double most = goal.Labels.amax([0]).Item();
        if (least < 0 || most >= model.Classes)
            throw new UserErrorException(
                $"The model has the classes 0 to {model.Classes - 1}; the labels go from {least} to {most}."
            );
        double low = images.amin(s_everything).Item();
        double high = images.amax(s_everything).Item();
        if (!(low >= 0 && high <= 1))
            throw new UserErrorException(
                $"Images must hold numbers in [0, 1]; these are in [{low}, {high}]. Divide bytes by 255, and leave "
                    + "normalization to the model."
            );
    }

    /// <summary>
    /// Checks what an attack gives back: a result outside the box or the budget is a defect of the attack.
    /// </summary>
    public static void Result<TModel>(IAttack<TModel> attack, Tensor perturbed, Tensor clean, double? epsilon)
        where TModel : IPredictor
    {
        double low = perturbed.amin(s_everything).Item();
        double high = perturbed.amax(s_everything).Item();
        if (!(low >= -Tolerance && high <= 1 + Tolerance))
            throw new InvalidOperationException(
                $"The attack {attack.Name} returned values in [{low}, {high}]; images stay in [0, 1]."
            );
        Tensor change = (perturbed - clean).to(ScalarType.Float64);
        double largest = attack.Norm.Of(change).amax([0]).Item();
        long values = clean.numel() / clean.size(0);
        if (epsilon is { } budget && !(largest <= budget + BudgetTolerance.Of(attack.Norm, budget, values)))
            throw new InvalidOperationException(
                $"The attack {attack.Name} spent {largest} of a budget of {budget} in {attack.Norm.Name()}."
            );
    }

    private static void Limit(long? passes)
    {
        if (passes < 1)
            throw new UserErrorException($"A limit on passes must be a whole number of at least 1, not {passes}.");
    }
}
