using Parry.Attacks.Building;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.WhiteBox;

/// <summary>One climb of APGD in one ball.</summary>
/// <param name="attack">Its settings.</param>
/// <param name="model">The model.</param>
/// <param name="batch">The rows, with the random draws of this climb.</param>
/// <param name="radius">Of the ball.</param>
/// <param name="steps">The number of steps.</param>
/// <param name="loss">The loss that is raised.</param>
internal sealed class ApgdClimb(
    AutoProjectedGradientDescent attack,
    IClassifier model,
    Batch batch,
    double radius,
    int steps,
    ApgdClimb.RowLoss loss
)
{
    private const double Alpha = 0.75; // of the momentum
    private const double Rho = 0.75;
    private const double SmallestStepL1 = 0.1;
    private const double ShrinkL1 = 1.5;
    private const double SparserL1 = 0.95;

    private readonly bool _sparse = attack.Norm == Norm.L1;

    /// <summary>The loss of some rows.</summary>
    /// <param name="goal">Of these rows.</param>
    /// <param name="rows">Their positions in the climb's batch.</param>
    public delegate Func<Tensor, Tensor> RowLoss(Goal goal, long[] rows);

    /// <summary>Climbs until each row reaches the goal.</summary>
    /// <param name="start">Where to start; null for random points.</param>
    /// <returns>Images, in the end the highest where the goal is not reached, and which rows reached it.</returns>
    public (Tensor Images, bool[] Reached) ToGoal(Tensor? start)
    {
        using var scope = NewDisposeScope();
        Tensor images = batch.Images.clone();
        var reached = new bool[batch.Count];
        State state = Begin(start);
        for (int step = 0; step <= steps; step++)
        {
            bool[] hit = state.Reached.ToArray<bool>();
            if (hit.Contains(true))
            {
                long[] hits = Rows.Where(hit, true);
                using (NewDisposeScope())
                    images.Put(state.Rows.At(hits), state.Point.At(hits));
                foreach (long row in state.Rows.At(hits))
                    reached[row] = true;
                state = state.Narrow(Rows.Where(hit, false), Around);
            }

            if (state.Rows.Length == 0)
                return (scope.MoveToOuter(images), reached);
            if (step < steps)
                Advance(state, step);
        }

        images.Put(state.Rows, state.Best);
        return (scope.MoveToOuter(images), reached);
    }

    /// <summary>Climbs as high as it comes.</summary>
    /// <param name="start">Where to start; null for random points.</param>
    public Tensor ToTop(Tensor? start)
    {
        using var scope = NewDisposeScope();
        State state = Begin(start);
        for (int step = 0; step < steps; step++)
            Advance(state, step);
        return scope.MoveToOuter(state.Best);
    }

    private Ball Around(Tensor images) => new(attack.Norm, images, radius);

    private State Begin(Tensor? start)
    {
        Batch rows = batch.Select(Rows.All(batch.Count));
        Ball ball = Around(rows.Images);
        Tensor point =
            start is not null ? ball.Project(start)
            : _sparse ? ball.Project(rows.Images + rows.Random.Normal(0, rows.Images.shape.AsSpan(1)))
            : ball.Draw(rows.Random);
        long[] column = [batch.Count, 1, 1, 1];
        var state = new State(rows, Rows.All(batch.Count), ball, point, point.clone(), zeros_like(point), point.clone())
        {
            BestGradient = zeros_like(point),
            Loss = zeros(column),
            BestLoss = zeros(column),
            LossAtCheckpoint = zeros(column),
            Reached = zeros([batch.Count], ScalarType.Bool),
            Step = full(column, _sparse ? radius : 2 * radius),
            Rises = zeros(column),
            Halved = ones(column, ScalarType.Bool),
            Changed = Norm.L0.Of(point - rows.Images, keepdim: true),
        };
        Evaluate(state);
        state.BestGradient.copy_(state.Gradient);
        state.BestLoss.copy_(state.Loss);
        state.LossAtCheckpoint.copy_(state.Loss);
        return state;
    }

    private void Advance(State state, int step)
    {
        using var inner = NewDisposeScope();
        Tensor x = state.Point;
        Tensor z = state.Ball.Project(x + (state.Step * Direction(state, step)));
        if (step > 0 && !_sparse)
            z = state.Ball.Project(x + (Alpha * (z - x)) + ((1 - Alpha) * (x - state.Before)));
        state.Before.copy_(x);
        state.Point.copy_(z);
        Tensor lossBefore = state.Loss.clone();
        Evaluate(state);
        state.Rises.add_(state.Loss > lossBefore);

        Tensor better = state.Loss > state.BestLoss;
        state.Best.copy_(where(better, state.Point, state.Best));
        state.BestGradient.copy_(where(better, state.Gradient, state.BestGradient));
        state.BestLoss.copy_(where(better, state.Loss, state.BestLoss));

        if (StepsSinceCheckpoint(step + 1) is not { } interval)
            return;
        Tensor back = _sparse ? ShrinkSparseSteps(state) : HalveSteps(state, interval);
        state.Point.copy_(where(back, state.Best, state.Point));
        state.Gradient.copy_(where(back, state.BestGradient, state.Gradient));
    }

    private Tensor Direction(State state, int step)
    {
        if (!_sparse)
            return state.Ball.Steepest(state.Point, state.Gradient, state.Batch.Random, 2 + step);

        // The signs of the largest values of the gradient, two thirds as many as the best point changed, with a sum
        // of 1.
        Tensor size = state.Gradient.abs();
        Tensor few = (state.Changed / ShrinkL1).floor().clamp_min(1.0).to(ScalarType.Int64).flatten(1);
        Tensor largest = size.flatten(1).topk((int)few.max().Item(), -1).values;
        Tensor least = largest.gather(1, few - 1).reshape(-1, 1, 1, 1);
        Tensor signs = state.Gradient.sign() * (size >= least);
        return signs / Norm.L0.Of(signs, keepdim: true).clamp_min(1.0);
    }

    // Gradient, loss and verdict at the point.
    private void Evaluate(State state)
    {
        using var inner = NewDisposeScope();
        Func<Tensor, Tensor> rowLoss = loss(state.Batch.Goal, state.Rows);
        LossGradient sum = model.Gradient(state.Batch.With(state.Point), rowLoss);
        for (int draw = 1; draw < attack.Draws; draw++)
        {
            LossGradient next = model.Gradient(state.Batch.With(state.Point), rowLoss);
            sum = new(sum.Logits + next.Logits, sum.Losses + next.Losses, sum.Gradient + next.Gradient);
        }

        state.Gradient.copy_(sum.Gradient);
        state.Loss.copy_(sum.Losses.reshape(-1, 1, 1, 1));
        state.Reached.copy_(state.Batch.Goal.IsReachedBy(sum.Logits));
    }

    // How many steps lie between the last checkpoint and this step; null when this is none.
    private int? StepsSinceCheckpoint(int step)
    {
        if (_sparse)
        {
            int every = Math.Max((int)(0.04 * steps), 1);
            return step % every == 0 ? every : null;
        }

        int interval = Math.Max((int)(0.22 * steps), 1);
        int least = Math.Max((int)(0.06 * steps), 1);
        int sooner = Math.Max((int)(0.03 * steps), 1);
        int checkpoint = interval;
        while (checkpoint < step)
        {
            interval = Math.Max(interval - sooner, least);
            checkpoint += interval;
        }

        return checkpoint == step ? interval : null;
    }

    // A step is halved when the loss rose in less than 75 % of the steps, or when the best loss and the step are those
    // of the last checkpoint. Returns which rows go back to their best point.
    private static Tensor HalveSteps(State state, int interval)
    {
        Tensor few = state.Rises <= Rho * interval;
        Tensor stuck = state.Halved.logical_not() & (state.LossAtCheckpoint >= state.BestLoss);
        Tensor halved = few | stuck;
        state.Step.copy_(where(halved, state.Step / 2, state.Step));
        state.Halved.copy_(halved);
        state.LossAtCheckpoint.copy_(state.BestLoss);
        state.Rises.zero_();
        return halved;
    }

    // L1: where the best point changes fewer values than at the last checkpoint the step is large again, else it
    // shrinks. Returns which rows go back to their best point.
    private Tensor ShrinkSparseSteps(State state)
    {
        Tensor changed = Norm.L0.Of(state.Best - state.Batch.Images, keepdim: true);
        Tensor sparser = changed / state.Changed < SparserL1;
        Tensor shrunk = (state.Step / ShrinkL1).clamp_min(SmallestStepL1 * radius);
        state.Step.copy_(where(sparser, full_like(shrunk, radius), shrunk));
        state.Changed.copy_(changed);
        return sparser;
    }

    // Of each row: its position in the whole batch; where it is and was, and the highest point so far, with gradients
    // and losses; its step, how often the loss rose since the last checkpoint, what the best loss was there, whether
    // the step was halved there; in L1 how many values the best point changed there.
    private sealed record State(
        Batch Batch,
        long[] Rows,
        Ball Ball,
        Tensor Point,
        Tensor Before,
        Tensor Gradient,
        Tensor Best
    )
    {
        public required Tensor BestGradient { get; init; }

        public required Tensor Loss { get; init; }

        public required Tensor BestLoss { get; init; }

        public required Tensor LossAtCheckpoint { get; init; }

        public required Tensor Reached { get; init; }

        public required Tensor Step { get; init; }

        public required Tensor Rises { get; init; }

        public required Tensor Halved { get; init; }

        public required Tensor Changed { get; init; }

        public State Narrow(long[] stay, Func<Tensor, Ball> around)
        {
            Ball.Free();
            Batch batch = Batch.Narrow(stay);
            return new(
                batch,
                Rows.At(stay),
                around(batch.Images),
                Point.Narrow(stay),
                Before.Narrow(stay),
                Gradient.Narrow(stay),
                Best.Narrow(stay)
            )
            {
                BestGradient = BestGradient.Narrow(stay),
                Loss = Loss.Narrow(stay),
                BestLoss = BestLoss.Narrow(stay),
                LossAtCheckpoint = LossAtCheckpoint.Narrow(stay),
                Reached = Reached.Narrow(stay),
                Step = Step.Narrow(stay),
                Rises = Rises.Narrow(stay),
                Halved = Halved.Narrow(stay),
                Changed = Changed.Narrow(stay),
            };
        }
    }
}
