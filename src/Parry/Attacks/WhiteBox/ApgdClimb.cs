using Parry.Attacks.Building;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.WhiteBox;

/// <summary>One climb of APGD within one radius.</summary>
/// <param name="attack">Its settings.</param>
/// <param name="model">The model.</param>
/// <param name="batch">The rows; they leave as they reach the goal, where that ends the climb.</param>
/// <param name="random">Random draws of this climb.</param>
/// <param name="radius">Of the ball.</param>
/// <param name="steps">The number of steps.</param>
/// <param name="from">The class of each row, for the targeted ratio; else null.</param>
/// <param name="to">The class that each row aims at, for the targeted ratio; else null.</param>
internal sealed class ApgdClimb(
    AutoProjectedGradientDescent attack,
    IClassifier model,
    Batch batch,
    SampleRandom random,
    double radius,
    int steps,
    long[]? from,
    long[]? to
)
{
    private const double Momentum = 0.75,
        Rho = 0.75;
    private const double FewestStepsL1 = 0.1,
        ShrinkL1 = 1.5,
        SparserL1 = 0.95;

    private readonly long _pixels = batch.Images.numel() / batch.Count;
    private Batch _batch = batch.Select(Rows.All(batch.Count));
    private SampleRandom _random = random;
    private long[] _rows = Rows.All(batch.Count);
    private long[]? _from = from,
        _to = to;

    // Of each row: where it is, where it was, and the highest point so far, with gradients and losses.
    private Ball _ball = null!;
    private Tensor _point = null!,
        _before = null!,
        _gradient = null!,
        _best = null!,
        _bestGradient = null!;
    private float[] _loss = null!,
        _bestLoss = null!;
    private bool[] _hit = null!;

    // Of each row: its step; how often the loss rose since the last checkpoint, and what the best was there; whether
    // the step was halved there.
    private double[] _step = null!;
    private int[] _rises = null!;
    private float[] _bestAtCheck = null!;
    private bool[] _halved = null!;

    // Of each row, in L1: how many values a step changes, and how many the best point changed at the last checkpoint.
    private long[] _few = null!;
    private float[] _changed = null!;

    /// <summary>Climbs until each row reaches the goal.</summary>
    /// <param name="start">Where to start; null for random points.</param>
    /// <returns>Images, in the end the highest where the goal is not reached, and which rows reached it.</returns>
    public (Tensor Images, bool[] Reached) ToGoal(Tensor? start)
    {
        using var scope = NewDisposeScope();
        Tensor images = batch.Images.clone();
        var reached = new bool[batch.Count];
        Begin(start);
        for (int step = 0; Leave(images, reached) && step < steps; step++)
            Step(step);
        if (_rows.Length > 0)
            images.Put(_rows, _best);
        return (scope.MoveToOuter(images), reached);
    }

    /// <summary>Climbs as high as it comes.</summary>
    /// <param name="start">Where to start; null for random points.</param>
    public Tensor ToTop(Tensor? start)
    {
        using var scope = NewDisposeScope();
        Begin(start);
        for (int step = 0; step < steps; step++)
            Step(step);
        return scope.MoveToOuter(_best);
    }

    private void Begin(Tensor? start)
    {
        int count = _batch.Count;
        _ball = new Ball(attack.Norm, _batch.Images, Filled(count, radius));
        bool sparse = attack.Norm == Norm.L1 && start is null;
        _point =
            sparse ? _ball.Project(_random.Normal(0, _batch.Images.shape.AsSpan(1)).add_(_batch.Images))
            : start is null ? _ball.Draw(_random)
            : _ball.Project(start);
        _gradient = zeros_like(_point);
        _loss = new float[count];
        Look();
        (_before, _best, _bestGradient, _bestLoss) = (_point.clone(), _point.clone(), _gradient.clone(), _loss);
        (_step, _rises, _bestAtCheck, _halved) = (
            Filled(count, attack.Norm == Norm.L1 ? radius : 2 * radius),
            new int[count],
            _loss,
            Filled(count, true)
        );
        if (attack.Norm != Norm.L1)
            return;
        _changed = Norm.L0.Of(_point.sub(_batch.Images)).ToArray<float>();
        _few = Fewer(_changed);
    }

    // A step of every row, and its checkpoint when one is due.
    private void Step(int step)
    {
        using var inner = NewDisposeScope();
        Tensor next = _ball.Project(Direction(step).mul_(Rows.Column(_step)).add_(_point));
        if (step > 0 && attack.Norm != Norm.L1)
            next = _ball.Project(next.mul_(Momentum).add_(_point, 2 * (1 - Momentum)).add_(_before, Momentum - 1));
        _before.copy_(_point);
        _point.copy_(next);
        float[] last = _loss;
        Look();

        bool[] better = new bool[_rows.Length];
        var bestLoss = (float[])_bestLoss.Clone();
        for (int i = 0; i < better.Length; i++)
        {
            if (_loss[i] > last[i])
                _rises[i]++;
            better[i] = _loss[i] > bestLoss[i];
            if (better[i])
                bestLoss[i] = _loss[i];
        }

        _bestLoss = bestLoss;
        Copy(Rows.Where(better, true), _point, _best, _gradient, _bestGradient);
        if (Interval(step + 1) is { } interval)
            Copy(attack.Norm == Norm.L1 ? Sparser() : Halve(interval), _best, _point, _bestGradient, _gradient);
    }

    private Tensor Direction(int step)
    {
        if (attack.Norm != Norm.L1)
            return _ball.Steepest(_point, _gradient, _random, 2 + step);

        // The signs of the largest values of the gradient, with a sum of 1.
        Tensor size = _gradient.abs();
        Tensor largest = size.flatten(1).topk((int)_few.Max(), -1).values;
        long[] places = [.. _few.Select(few => few - 1)];
        Tensor least = largest.gather(1, tensor(places, [places.Length, 1])).reshape(-1, 1, 1, 1);
        Tensor signs = _gradient.mul(size.ge(least)).sign();
        return signs.div(Norm.L0.Of(signs).clamp_min(1.0).reshape(-1, 1, 1, 1));
    }

    // Gradient, loss and verdict at the point.
    private void Look()
    {
        using var inner = NewDisposeScope();
        Func<Tensor, Tensor> loss = attack.Loss switch
        {
            ApgdLoss.CrossEntropy => AttackLoss.CrossEntropy(_batch.Goal),
            ApgdLoss.Dlr => AttackLoss.LogitRatio(_batch.Goal),
            _ => AttackLoss.LogitRatio(tensor(_from!), tensor(_to!)),
        };
        LossGradient pass = model.Gradient(_batch.With(_point), loss);
        Tensor logits = pass.Logits,
            losses = pass.Losses,
            gradient = pass.Gradient;
        for (int draw = 1; draw < attack.Draws; draw++)
        {
            pass = model.Gradient(_batch.With(_point), loss);
            (logits, losses, gradient) = (
                logits.add(pass.Logits),
                losses.add(pass.Losses),
                gradient.add(pass.Gradient)
            );
        }

        _gradient.copy_(gradient);
        _loss = losses.ToArray<float>();
        _hit = _batch.Goal.IsReached(logits.argmax(1)).ToArray<bool>();
    }

    // Lets rows go that reached the goal; whether any are left.
    private bool Leave(Tensor images, bool[] reached)
    {
        long[] hits = Rows.Where(_hit, true),
            stay = Rows.Where(_hit, false);
        if (hits.Length == 0)
            return true;
        using (NewDisposeScope())
            images.Put(_rows.At(hits), _point.At(hits));
        foreach (long row in _rows.At(hits))
            reached[row] = true;
        (_rows, _batch, _random, _from, _to) = (
            _rows.At(stay),
            _batch.Narrow(stay),
            _random.For(_random.Samples.ToArray().At(stay)),
            _from?.At(stay),
            _to?.At(stay)
        );
        (_point, _before, _gradient, _best, _bestGradient) = (
            _point.Narrow(stay),
            _before.Narrow(stay),
            _gradient.Narrow(stay),
            _best.Narrow(stay),
            _bestGradient.Narrow(stay)
        );
        (_loss, _bestLoss, _step, _rises, _bestAtCheck, _halved) = (
            _loss.At(stay),
            _bestLoss.At(stay),
            _step.At(stay),
            _rises.At(stay),
            _bestAtCheck.At(stay),
            _halved.At(stay)
        );
        (_few, _changed) = (_few?.At(stay)!, _changed?.At(stay)!);
        _ball.Free();
        _ball = new Ball(attack.Norm, _batch.Images, Filled(stay.Length, radius));
        return stay.Length > 0;
    }

    // How many steps lie between the last checkpoint and this step; null when this is none.
    private int? Interval(int step)
    {
        if (attack.Norm == Norm.L1)
        {
            int every = Math.Max((int)(0.04 * steps), 1);
            return step % every == 0 ? every : null;
        }

        int interval = Math.Max((int)(0.22 * steps), 1),
            least = Math.Max((int)(0.06 * steps), 1),
            sooner = Math.Max((int)(0.03 * steps), 1);
        int checkpoint = interval;
        while (checkpoint < step)
        {
            interval = Math.Max(interval - sooner, least);
            checkpoint += interval;
        }

        return checkpoint == step ? interval : null;
    }

    // A step is halved when the loss rose in less than 75 % of the steps, or when its best is no better than at the
    // last checkpoint and the step the same.
    private long[] Halve(int interval)
    {
        _halved =
        [
            .. _rows.Select((_, i) => _rises[i] <= Rho * interval || (!_halved[i] && _bestAtCheck[i] >= _bestLoss[i])),
        ];
        _step = [.. _step.Select((step, i) => _halved[i] ? step / 2 : step)];
        (_bestAtCheck, _rises) = (_bestLoss, new int[_rows.Length]);
        return Rows.Where(_halved, true);
    }

    // L1: steps change two thirds as many values as the best point does; where those became fewer the step is large
    // again, else it shrinks.
    private long[] Sparser()
    {
        float[] changed = Norm.L0.Of(_best.sub(_batch.Images)).ToArray<float>();
        bool[] fewer = [.. changed.Select((count, i) => count / _changed[i] < SparserL1)];
        _step = [.. _step.Select((step, i) => fewer[i] ? radius : Math.Max(step / ShrinkL1, FewestStepsL1 * radius))];
        (_few, _changed) = (Fewer(changed), changed);
        return Rows.Where(fewer, true);
    }

    private static long[] Fewer(float[] changed) => [.. changed.Select(count => Math.Max(1, (long)(count / ShrinkL1)))];

    private static void Copy(long[] rows, Tensor point, Tensor toPoint, Tensor gradient, Tensor toGradient)
    {
        if (rows.Length == 0)
            return;
        toPoint.Put(rows, point.At(rows));
        toGradient.Put(rows, gradient.At(rows));
    }

    private static T[] Filled<T>(int count, T value) => [.. Enumerable.Repeat(value, count)];
}
