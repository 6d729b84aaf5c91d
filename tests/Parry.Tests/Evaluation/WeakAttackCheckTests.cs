using Parry.Attacks;
using Parry.Attacks.WhiteBox;
using Parry.Data;
using Parry.Evaluation;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Evaluation;

public sealed class WeakAttackCheckTests
{
    private static readonly ImageShape s_shape = new(1, 4, 4);

    [Theory]
    [InlineData(1, false)]
    [InlineData(1000, true)]
    public void Saturated_logits_are_called_out_and_what_to_use_instead(double scale, bool warns)
    {
        IReadOnlyList<string> warnings = Check(
            new Scaled(scale),
            new PlannedAttack("fgsm", new FastGradientSign(), [0.1])
        );
        Assert.Equal(warns, warnings.Any(warning => warning.Contains("loss=margin", StringComparison.Ordinal)));
    }

    [Fact]
    public void Random_search_that_fools_what_gradients_do_not_is_called_out() =>
        Assert.Contains(
            Check(new Scaled(1000), new PlannedAttack("fgsm", new FastGradientSign(), [0.9])),
            warning => warning.Contains("random search", StringComparison.Ordinal)
        );

    private static IReadOnlyList<string> Check(IClassifier model, PlannedAttack attack)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(8);
        byte[] pixels = [.. (rand([20 * 16], generator: random) * 255).ToArray<float>().Select(value => (byte)value)];
        Tensor images = TensorData.FromBytes(pixels, ScalarType.Byte, 20, 1, 4, 4).to(ScalarType.Float32) / 255.0;
        long[] labels = model.Predict(images).ToArray<long>();
        var set = new ImageSet("made", s_shape, pixels, labels.Select(label => (int)label).ToArray(), ["a", "b", "c"]);
        using var check = new WeakAttackCheck(model, set, seed: 1);
        Goal goal = Goal.Untargeted(tensor(labels));
        var run = new AttackRun(images, goal, 1) { Epsilons = attack.Epsilons };
        foreach (AttackResult result in AttackDispatch.Run(attack.Attack, model, run))
        {
            using AttackResult owned = result;
            check.Add(attack, goal, result);
        }

        return check.Warnings();
    }

    private sealed class Scaled(double scale) : IClassifier
    {
        private readonly LinearClassifier _linear = new(s_shape);

        public ImageShape Shape => s_shape;

        public int Classes => 3;

        public Tensor Logits(Images images) => scale * _linear.Logits(images);
    }
}
