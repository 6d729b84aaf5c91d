using Parry.Attacks.Catalog;
using Parry.Attacks.Steps;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.WhiteBox;

/// <summary>
/// EAD, the elastic-net attack (Chen, Sharma, Zhang, Yi, Hsieh, 2017, 1709.04114): minimizes c·max(κ - margin, 0) +
/// β|δ|₁ + |δ|₂² by gradient steps, after each of which every change shrinks by β, so that small ones vanish; a binary
/// search over c for each image. Few pixels change. Smallest L1 (or elastic-net distance), untargeted or targeted. The
/// paper's β = 1e-3, 9 searches of 1,000 iterations, and a learning rate of 0.01 that falls with the square root. Steps
/// are ISTA's, one of the paper's two forms; FISTA's momentum k/(k + 3) is an option, which the early abort hurts.
/// Deviations: the early abort is judged for each image; with momentum an image is judged where the gradient is taken
/// anyway, which the momentum may have carried past the shrunken point, and that point is clipped to the box.
/// </summary>
public sealed record ElasticNet : IAttack<IClassifier>
{
    private static readonly long[] s_image = [1, 2, 3];

    /// <inheritdoc/>
    public string Name => "ead";

    /// <inheritdoc/>
    public Norm Norm => Norm.L1;

    /// <summary>The number of constants c that are tried for each image.</summary>
    public int SearchSteps { get; init; } = 9;

    /// <summary>The number of steps for each constant.</summary>
    public int Iterations { get; init; } = 1000;

    /// <summary>The size of the first step.</summary>
    public double LearningRate { get; init; } = 0.01;

    /// <summary>The first constant c.</summary>
    public double InitialConstant { get; init; } = 1e-3;

    /// <summary>β: the weight of the L1 distance, and by how much changes shrink in a step.</summary>
    public double Beta { get; init; } = 1e-3;

    /// <summary>κ: by how much the wrong logit must exceed the others.</summary>
    public double Confidence { get; init; }

    /// <summary>Which of the successful images is kept.</summary>
    public ElasticNetRule Rule { get; init; } = ElasticNetRule.ElasticNet;

    /// <summary>Whether steps have FISTA's momentum; without it they are ISTA's.</summary>
    public bool Momentum { get; init; }

    /// <summary>Whether an image stops when its loss has not fallen by 0.01 % over a tenth of the iterations.</summary>
    public bool AbortEarly { get; init; } = true;

    /// <summary>What the command line knows of it.</summary>
    public static AttackEntry Entry { get; } =
        new AttackEntry<ElasticNet>(
            new(),
            "smallest L1 change, by shrinking steps and a search over the trade-off",
            "Chen et al., 2017, 1709.04114"
        )
            .Whole(
                "steps",
                1,
                "constants tried in the binary search",
                attack => attack.SearchSteps,
                (attack, value) => attack with { SearchSteps = value }
            )
            .Whole(
                "iterations",
                1,
                "steps for each constant",
                attack => attack.Iterations,
                (attack, value) => attack with { Iterations = value }
            )
            .Number(
                "lr",
                0,
                "size of the first step",
                attack => attack.LearningRate,
                (attack, value) => attack with { LearningRate = value }
            )
            .Number(
                "c",
                0,
                "the first constant",
                attack => attack.InitialConstant,
                (attack, value) => attack with { InitialConstant = value }
            )
            .Number(
                "beta",
                0,
                "weight of the L1 distance",
                attack => attack.Beta,
                (attack, value) => attack with { Beta = value }
            )
            .Number(
                "confidence",
                0,
                "by how much the wrong logit must win",
                attack => attack.Confidence,
                (attack, value) => attack with { Confidence = value }
            )
            .Choice(
                "rule",
                "the distance by which the nearest image is chosen",
                attack => attack.Rule,
                (attack, value) => attack with { Rule = value }
            )
            .Flag(
                "momentum",
                "FISTA's momentum",
                attack => attack.Momentum,
                (attack, value) => attack with { Momentum = value }
            )
            .Flag(
                "abort-early",
                "stop an image whose loss no longer falls",
                attack => attack.AbortEarly,
                (attack, value) => attack with { AbortEarly = value }
            );

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch)
    {
        Tensor images = batch.Images;
        using var scope = NewDisposeScope();
        var closest = new Closest(images);
        var constants = new ConstantSearch(batch.Count, InitialConstant);
        for (int search = 0; search < SearchSteps; search++)
        {
            if (search >= 9 && search == SearchSteps - 1)
                constants.UseSuccesses();
            constants.Learn(Descend(model, batch, constants.Values, closest));
        }

        return scope.MoveToOuter(closest.Images);
    }

    /// <inheritdoc/>
    public override string ToString() => Entry.Describe(this);

    // One descent of every image with its constant; returns which images reached the goal on the way.
    private bool[] Descend(IClassifier model, Batch batch, double[] constants, Closest closest)
    {
        using var scope = NewDisposeScope();
        var found = new bool[batch.Count];
        long[] rows = Rows.All(batch.Count);
        Tensor point = batch.Images.clone(),
            shrunken = batch.Images.clone(),
            weights = tensor(constants.Select(c => (float)c).ToArray());
        float[] checkpoint = [.. rows.Select(_ => float.PositiveInfinity)];
        int stretch = Math.Max(1, Iterations / 10);
        for (int iteration = 0; iteration < Iterations; iteration++)
        {
            float[] losses = Step(iteration);
            if (!AbortEarly || (iteration + 1) % stretch != 0)
                continue;
            long[] stay = Rows.Where([.. losses.Select((loss, i) => loss <= 0.9999 * checkpoint[i])], true);
            if (stay.Length == 0)
                break;
            if (stay.Length < rows.Length)
                (batch, rows, losses, weights, point, shrunken) = (
                    batch.Select(stay),
                    rows.At(stay),
                    losses.At(stay),
                    weights.At(stay),
                    point.At(stay),
                    shrunken.At(stay)
                );
            checkpoint = losses;
        }

        return found;

        float[] Step(int iteration)
        {
            using var inner = NewDisposeScope();
            Func<Tensor, Tensor> margin = AttackLoss.Margin(batch.Goal);
            LossGradient pass = model.Gradient(
                batch.With(point),
                logits => (Confidence - margin(logits)).clamp_min(0.0).mul(weights)
            );
            Tensor change = point.sub(batch.Images),
                square = change.mul(change).sum(s_image),
                length = Norm.L1.Of(change);
            Tensor hit = margin(pass.Logits).gt(Confidence);
            Tensor distance = Rule == ElasticNetRule.L1 ? length : square.add(length.mul(Beta));
            closest.Take(point, distance.reshape(-1, 1, 1, 1), hit.reshape(-1, 1, 1, 1), rows);
            foreach (long row in rows.At(Rows.Where(hit.ToArray<bool>(), true)))
                found[row] = true;

            double rate = LearningRate * Math.Sqrt(1 - ((double)iteration / Iterations));
            Tensor moved = change.add(change.mul(2.0).add_(pass.Gradient).mul_(-rate));
            Tensor next = moved.sign().mul_(moved.abs().sub(Beta).clamp_min(0.0)).add_(batch.Images).clamp_(0.0, 1.0);
            double momentum = Momentum ? iteration / (iteration + 3.0) : 0;
            point.copy_(next.add(next.sub(shrunken).mul_(momentum)).clamp_(0.0, 1.0));
            shrunken.copy_(next);
            return pass.Losses.add(square).add(length.mul(Beta)).ToArray<float>();
        }
    }
}
