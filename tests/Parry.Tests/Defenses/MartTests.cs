using Parry.Defenses.Training;
using Parry.Models.Training;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Defenses;

public sealed class MartTests
{
    [Fact]
    public void The_loss_is_the_boosted_cross_entropy_and_the_divergence_where_the_network_is_unsure()
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        using var linear = new LinearPiece(scale: 5);
        TrainingPiece piece = linear.Piece with { Attacked = linear.Piece.Images.flip(0) };
        double loss = new Mart { Lambda = 4 }
            .Of(linear.Classifier.Network, piece)
            .Loss.Item();

        float[] clean = linear.Probabilities(piece.Images).ToArray<float>();
        float[] attacked = linear.Probabilities(piece.Attacked).ToArray<float>();
        long[] labels = piece.Labels.ToArray<long>();
        double expected = 0;
        for (int i = 0; i < LinearPiece.Count; i++)
        {
            float[] p = clean[(i * LinearPiece.Classes)..((i + 1) * LinearPiece.Classes)];
            float[] q = attacked[(i * LinearPiece.Classes)..((i + 1) * LinearPiece.Classes)];
            double strongest = q.Where((_, k) => k != labels[i]).Max();
            double boosted = -Math.Log(q[labels[i]]) - Math.Log(1 - strongest);
            double divergence = p.Zip(q, (a, b) => a * Math.Log(a / b)).Sum();
            expected += boosted + (4 * divergence * (1 - p[labels[i]]));
        }

        Assert.Equal(expected, loss, 1e-3);
    }

    [Fact]
    public void The_gradient_goes_through_every_part_of_the_loss()
    {
        using var scope = NewDisposeScope();
        using var linear = new LinearPiece(scale: 5);
        TrainingPiece piece = linear.Piece with { Attacked = linear.Piece.Images.flip(0) };
        Tensor bias = linear.Linear.bias!;
        var mart = new Mart();
        float[] gradient = Autograd.Grad(Loss(), bias).ToArray<float>();
        using var frozen = no_grad();
        const double width = 0.01;
        for (int i = 0; i < LinearPiece.Classes; i++)
        {
            bias[i] += width;
            double above = Loss().Item();
            bias[i] -= 2 * width;
            double below = Loss().Item();
            bias[i] += width;
            Assert.Equal((above - below) / (2 * width), gradient[i], 0.01);
        }

        Tensor Loss() => mart.Of(linear.Classifier.Network, piece).Loss;
    }

    [Fact]
    public void The_attack_leaves_the_true_class()
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        using var linear = new LinearPiece();
        TrainingPiece piece = linear.Piece;
        Tensor attacked = new Mart { Epsilon = 0.05, Step = 0.02 }.Attacked(piece);
        Tensor error = linear.Probabilities(piece.Images) - LinearPiece.OneHot(piece.Labels);
        Tensor away = error.mm(linear.Linear.weight).reshape(LinearPiece.Count, 1, 6, 6).sign();
        Tensor expected = piece.Images + (0.05 * away);
        double share = (attacked - expected).abs().lt(1e-6).to(ScalarType.Float32).mean().Item();
        Assert.InRange(share, 0.95, 1);
    }

    [Fact]
    public void Sure_answers_give_finite_losses_and_gradients()
    {
        using var scope = NewDisposeScope();
        using var linear = new LinearPiece(scale: 5000);
        TrainingPiece piece = linear.Piece with { Attacked = linear.Piece.Images.flip(0) };
        Tensor loss = new Mart().Of(linear.Classifier.Network, piece).Loss;
        Tensor gradient = Autograd.Grad(loss, linear.Linear.weight);
        Assert.True(double.IsFinite(loss.Item()));
        Assert.True(double.IsFinite(gradient.sum().Item()));
    }
}
