using Parry.Attacks;
using Parry.Defenses.Training;
using Parry.Models.Training;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Defenses;

public sealed class TradesTests
{
    [Fact]
    public void Loss_and_gradient_of_a_linear_network_are_the_formula_with_both_answers_differentiated()
    {
        using var scope = NewDisposeScope();
        using var linear = new LinearPiece(scale: 5);
        Tensor attacked = linear.Piece.Images.flip(0);
        TrainingPiece piece = linear.Piece with { Attacked = attacked };
        var (loss, logits) = new Trades { Beta = 3 }.Of(linear.Classifier.Network, piece);
        Tensor gradient = Autograd.Grad(loss, linear.Linear.weight);

        using var frozen = no_grad();
        Tensor p = linear.Probabilities(piece.Images);
        Tensor q = linear.Probabilities(attacked);
        Tensor truth = LinearPiece.OneHot(piece.Labels);
        Tensor ratio = (p / q).log();
        Tensor divergence = (p * ratio).sum(1, keepdim: true);
        double expected = -(truth * p.log()).sum().Item() + (3 * divergence.sum().Item());
        Assert.Equal(expected, loss.Item(), 1e-3);
        Assert.Equal(q.ToArray<float>(), logits.softmax(-1).ToArray<float>(), (a, b) => Math.Abs(a - b) < 1e-6);

        Tensor byClean = (p - truth) + (3 * p * (ratio - divergence));
        Tensor byAttacked = 3 * (q - p);
        Tensor byWeight =
            byClean.transpose(0, 1).mm(piece.Images.flatten(1)) + byAttacked.transpose(0, 1).mm(attacked.flatten(1));
        Assert.InRange((byWeight - gradient).abs().max().Item(), 0, 1e-3);
    }

    [Theory]
    [InlineData(Norm.Linf)]
    [InlineData(Norm.L2)]
    public void The_attack_climbs_the_divergence_from_a_point_beside_the_image(Norm norm)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        using var linear = new LinearPiece(scale: 20);
        TrainingPiece piece = linear.Piece;
        var trades = new Trades
        {
            Norm = norm,
            Epsilon = 0.1,
            Step = 0.04,
            Steps = 1,
        };
        Tensor start = piece.Images + (0.001 * piece.Random.Normal(0, 1, 6, 6));
        Tensor error = linear.Probabilities(start) - linear.Probabilities(piece.Images);
        Tensor slope = error.mm(linear.Linear.weight).reshape(LinearPiece.Count, 1, 6, 6);
        Tensor direction = norm == Norm.Linf ? slope.sign() : slope / Norm.L2.Of(slope, keepdim: true);
        Tensor expected = start + (0.04 * direction);
        Assert.InRange((trades.Attacked(piece) - expected).abs().max().Item(), 0, 1e-3);
    }

    [Theory]
    [InlineData(Norm.Linf, 0.1)]
    [InlineData(Norm.L2, 0.5)]
    public void More_steps_raise_the_divergence_and_stay_in_the_ball(Norm norm, double epsilon)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        using var linear = new LinearPiece(scale: 20);
        TrainingPiece piece = linear.Piece;
        var trades = new Trades { Norm = norm, Epsilon = epsilon };
        Tensor attacked = trades.Attacked(piece);
        Assert.All(
            norm.Of(attacked - piece.Images).ToArray<float>(),
            distance => Assert.InRange(distance, 0.5 * epsilon, epsilon + 1e-6)
        );
        Tensor sooner = (trades with { Steps = 2, Step = 2.5 * epsilon / trades.Steps }).Attacked(piece);
        Assert.All(Divergences(attacked).Zip(Divergences(sooner)), pair => Assert.True(pair.First > pair.Second));

        double[] Divergences(Tensor points)
        {
            Tensor p = linear.Probabilities(piece.Images);
            Tensor divergence = (p * (p / linear.Probabilities(points)).log()).sum(1);
            return Array.ConvertAll(divergence.ToArray<float>(), one => (double)one);
        }
    }
}
