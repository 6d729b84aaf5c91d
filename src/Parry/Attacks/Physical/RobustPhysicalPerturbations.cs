using Parry.Attacks.Building;
using Parry.Models;
using Parry.Models.Training;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.Physical;

/// <summary>
/// RP2, robust physical perturbations (Eykholt et al., 2017, 1707.08945): stickers on an object that fool a model
/// however the object is seen. For a mask M it lowers, by Adam, λ·|M·δ| + ν·NPS + the mean over views T of the loss of
/// T(x + M·δ), where NPS is a non-printability score: the product of the distances of a value to each printable level.
/// The mask is a given rectangle, or found as in the paper: a first run over the whole image with the L1 norm, which is
/// sparse, shows the pixels that matter; the second run has the L2 norm. The loss is minus the log probability of the
/// wanted class, or, untargeted, of all classes but the true one. It returns, for each image, the iterate that fools
/// the most views, and of those the one with the least norm and NPS. Deviations: views are drawn for each step where
/// the paper has a fixed set of photographs, and the first of them is always the image itself; the mask takes the
/// largest changes after a mean over 3x3 pixels, where the paper draws shapes around them by hand; printable levels are
/// per channel, black and white by default as its stickers. The paper gives no weights and steps that fit other models;
/// the defaults are measured on MNIST.
/// </summary>
public sealed record RobustPhysicalPerturbations : IAttack<IClassifier>
{
    /// <inheritdoc/>
    public string Name => "rp2";

    /// <inheritdoc/>
    public Norm Norm => Norm.L2;

    /// <inheritdoc/>
    /// <remarks>It shows views of the whole image.</remarks>
    public bool TakesMask => false;

    /// <summary>The share of the pixels in a mask that the attack finds itself.</summary>
    [Option("area", "share of the pixels in a mask it finds itself")]
    public double Area { get; init; } = 0.05;

    /// <summary>A rectangle that the mask is, where it is set; the sides not given are the image's.</summary>
    [Option("top", "row of a given rectangle")]
    public int? Top { get; init; }

    /// <inheritdoc cref="Top"/>
    [Option("left", "column of a given rectangle")]
    public int? Left { get; init; }

    /// <inheritdoc cref="Top"/>
    [Option("height", "height of a given rectangle", Min = 1)]
    public int? Height { get; init; }

    /// <inheritdoc cref="Top"/>
    [Option("width", "width of a given rectangle", Min = 1)]
    public int? Width { get; init; }

    /// <summary>How the object may be seen.</summary>
    [Options]
    public Views Views { get; init; } = new();

    /// <summary>The number of views in each step.</summary>
    [Option("views", "views in each step", Min = 1)]
    public int ViewCount { get; init; } = 8;

    /// <summary>The number of Adam's steps for the perturbation, and as many for the mask.</summary>
    [Option("steps", "steps of Adam, twice where the mask is found", Min = 1)]
    public int Steps { get; init; } = 50;

    /// <summary>Adam's learning rate, in values of the image.</summary>
    [Option("lr", "Adam's learning rate")]
    public double LearningRate { get; init; } = 0.1;

    /// <summary>λ: the weight of the perturbation's norm.</summary>
    [Option("lambda", "weight of the norm")]
    public double NormWeight { get; init; } = 0.05;

    /// <summary>ν: the weight of the non-printability score.</summary>
    [Option("print", "weight of the non-printability score")]
    public double PrintWeight { get; init; } = 0.01;

    /// <summary>The number of levels of each channel that can be printed, evenly from 0 to 1.</summary>
    [Option("levels", "printable levels of each channel", Min = 1)]
    public int Levels { get; init; } = 2;

    /// <inheritdoc/>
    public void CheckFits(IPredictor model, IReadOnlyList<double> epsilons)
    {
        var (height, width) = (model.Shape.Height, model.Shape.Width);
        var (top, left, bottom, right) = Sides(height, width);
        if (top >= bottom || left >= right || bottom > height || right > width)
            throw new UserErrorException(
                $"the rectangle of rp2 from row {top} to {bottom} and column {left} to {right} leaves an image of "
                    + $"{height} by {width}: give one inside it"
            );
    }

    /// <inheritdoc/>
    /// <exception cref="UserErrorException">The rectangle leaves the image.</exception>
    public Tensor Perturb(IClassifier model, Batch batch)
    {
        CheckFits(model, []);
        Tensor images = batch.Images;
        using var scope = NewDisposeScope();
        Tensor mask = (Top ?? Left ?? Height ?? Width) is null
            ? MostChanged(Minimize(batch.Random.Fork(0), model, batch, ones_like(images), Norm.L1))
            : Rectangle(images);
        Tensor delta = Minimize(batch.Random.Fork(1), model, batch, mask, Norm.L2);
        return scope.MoveToOuter((images + delta).clamp(0.0, 1.0));
    }

    // The best change of each image within the mask.
    private Tensor Minimize(SampleRandom random, IClassifier model, Batch batch, Tensor mask, Norm norm)
    {
        using var scope = NewDisposeScope();
        Batch seen = batch.Repeat(ViewCount);
        var loss = AttackLoss.LogLikelihood(seen.Goal);
        Tensor images = batch.Images;
        Tensor change = zeros_like(images);
        Tensor best = change.clone();
        float[] fooled = [.. Enumerable.Repeat(-1f, batch.Count)];
        var costs = new float[batch.Count];
        using var adam = Optimizers.Adam([change], LearningRate);
        for (int step = 0; step < Steps; step++)
        {
            using var inner = NewDisposeScope();
            Tensor uniform = random.Uniform(step, ViewCount, Views.Draws);
            uniform.slice(1, 0, 1, 1).fill_(0.5); // the first view is the image as it is
            LossGradient pass = model.GradientThrough(batch.With(images), change, Seen, loss);
            var (cost, gradient) = Cost(images, change, mask, norm);
            Remember(seen.Goal.IsReachedBy(pass.Logits), cost);
            adam.Step(mask * (gradient - (pass.Gradient / ViewCount)));
            change.copy_((images + change).clamp(0.0, 1.0) - images);

            Tensor Seen(Tensor delta)
            {
                Tensor copies = (images + delta).clamp(0.0, 1.0).repeat_interleave(ViewCount, 0);
                return Views.Apply(copies, uniform.reshape(-1, Views.Draws));
            }
        }

        return scope.MoveToOuter(best);

        void Remember(Tensor reached, float[] cost)
        {
            // To fool the image as it is counts more than all other views.
            Tensor views = reached.to(ScalarType.Float32).reshape(-1, ViewCount);
            float[] now = (views.sum(1) + (ViewCount * views.select(1, 0))).ToArray<float>();
            long[] better = Rows.Where(
                [.. now.Select((count, i) => count > fooled[i] || (count == fooled[i] && cost[i] < costs[i]))],
                true
            );
            best.Put(better, change.At(better));
            foreach (long i in better)
                (fooled[i], costs[i]) = (now[i], cost[i]);
        }
    }

    // λ·|M·δ| + ν·NPS of each image, and the gradient of their sum; the search for a mask prints nothing.
    private (float[] Costs, Tensor Gradient) Cost(Tensor images, Tensor change, Tensor mask, Norm norm)
    {
        using var scope = NewDisposeScope();
        using var follow = enable_grad();
        Tensor delta = change.detach().requires_grad_();
        Tensor cost = NormWeight * norm.Of(delta);
        if (norm == Norm.L2)
        {
            Tensor printed = images + delta;
            Tensor score = mask;
            for (int level = 0; level < Levels; level++)
                score = score * (printed - (level / Math.Max(1.0, Levels - 1))).abs();
            cost += PrintWeight * score.SumPerImage();
        }

        return (cost.ToArray<float>(), scope.MoveToOuter(Autograd.Grad(cost.sum(), delta)));
    }

    // The pixels that changed most, their neighbors counted in, so that stickers hang together.
    private Tensor MostChanged(Tensor change)
    {
        var (height, width) = (change.size(2), change.size(3));
        Tensor padded = nn.functional.pad(change.abs().sum(1, true), [1, 1, 1, 1]);
        Tensor mean = nn.functional.avg_pool2d(padded, [3, 3], [1, 1]).flatten(1);
        Tensor largest = mean.topk((int)Math.Clamp((long)(Area * height * width), 1, height * width), 1).indexes;
        return zeros_like(mean).ScatterValue(1, largest, 1).reshape(-1, 1, height, width);
    }

    private Tensor Rectangle(Tensor images)
    {
        var (top, left, bottom, right) = Sides(images.size(2), images.size(3));
        Tensor mask = zeros_like(images);
        mask.slice(2, top, bottom, 1).slice(3, left, right, 1).fill_(1.0);
        return mask;
    }

    private (long Top, long Left, long Bottom, long Right) Sides(long height, long width)
    {
        long top = Top ?? 0;
        long left = Left ?? 0;
        return (top, left, top + (Height ?? height - top), left + (Width ?? width - left));
    }
}
