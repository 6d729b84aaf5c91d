using Parry.Attacks;
using Parry.Attacks.WhiteBox;
using Parry.Models;
using Parry.Models.Architectures.Layers;
using Parry.Runtime;
using Parry.Tests.Attacks;
using static TorchSharp.torch;

namespace Parry.Tests.Models;

public class JacobianTests
{
    private const int Classes = 5;

    private static readonly ImageShape s_shape = new(1, 8, 8);

    [Fact]
    public void A_network_gives_for_each_loss_what_its_gradient_gives_in_one_forward_pass()
    {
        using var scope = NewDisposeScope();
        using var counted = new Counted();
        IClassifier model = new ModuleClassifier(counted, s_shape, Classes);
        using IDisposable? evaluation = model.EnterEvaluation();
        Images images = Images.Of(rand([6, 1, 8, 8], generator: new Generator(1)));

        Jacobian passes = model.Jacobian(images, 3, logits => Losses(logits));

        Assert.Equal(1, counted.Calls);
        AssertSame(model, images, passes);
    }

    [Fact]
    public void One_loss_of_each_image_is_picked_with_its_gradient()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(4);
        var passes = new Jacobian(
            zeros([2, 3]),
            tensor(new float[] { 1, 2, 3, 4 }, [2, 2]),
            rand([2, 2, 1, 8, 8], generator: random)
        );

        LossGradient picked = passes.At(tensor(new long[] { 1, 0 }));

        Assert.Equal([2f, 3f], picked.Losses.ToArray<float>());
        Assert.True(picked.Gradient[0].allclose(passes.Gradients[0, 1]));
        Assert.True(picked.Gradient[1].allclose(passes.Gradients[1, 0]));
    }

    [Fact]
    public void A_wrapper_that_changes_gradients_changes_those_of_every_loss()
    {
        using var scope = NewDisposeScope();
        IClassifier model = new Doubled(new SmallNetwork(s_shape, Classes, seed: 2));
        Images images = Images.Of(rand([4, 1, 8, 8], generator: new Generator(1)));

        Jacobian passes = model.Jacobian(images, 3, logits => Losses(logits));

        AssertSame(model, images, passes);
    }

    [Fact]
    public void Each_loss_counts_as_a_pass_with_and_without_a_limit()
    {
        using var scope = NewDisposeScope();
        var model = new SmallNetwork(s_shape, Classes, seed: 2);
        Tensor images = rand([4, 1, 8, 8], generator: new Generator(1));
        Goal goal = Goal.Untargeted(((IClassifier)model).Predict(Images.Of(images)));
        var run = new AttackRun(images, goal, 0);
        var far = new AttackLimits { Gradients = 1_000_000 };

        using AttackResult free = AttackRunner.Run(new DeepFool(), model, run)[0];
        using AttackResult limited = AttackRunner.Run(new DeepFool(), model, run with { Limits = far })[0];

        Assert.All(free.Gradients, passes => Assert.Equal(0, passes % (Classes - 1)));
        Assert.Equal(free.Gradients, limited.Gradients);
        Assert.Equal(free.Queries, limited.Queries);
        Assert.Equal(free.L2, limited.L2, (a, b) => Math.Abs(a - b) < 1e-5);
    }

    // Three losses of every image.
    private static Tensor Losses(Tensor logits) => logits.log_softmax(1).slice(1, 1, 4, 1);

    private static void AssertSame(IClassifier model, Images images, Jacobian passes)
    {
        for (int k = 0; k < 3; k++)
        {
            int loss = k;
            LossGradient pass = model.Gradient(images, logits => Losses(logits).select(1, loss));
            Assert.True(passes.Gradients.select(1, k).allclose(pass.Gradient, 1e-5, 1e-6));
            Assert.True(passes.Losses.select(1, k).allclose(pass.Losses, 1e-5, 1e-6));
            Assert.True(passes.Logits.allclose(pass.Logits, 1e-5, 1e-6));
        }
    }

    private sealed class Doubled(IClassifier model) : ClassifierWrapper(model)
    {
        public override Tensor Logits(Images images) => Model.Logits(images);

        public override LossGradient Gradient(Images images, Func<Tensor, Tensor> loss)
        {
            LossGradient pass = Model.Gradient(images, loss);
            return pass with { Gradient = 2 * pass.Gradient };
        }
    }

    private sealed class Counted : nn.Module<Tensor, Tensor>
    {
        private readonly nn.Module<Tensor, Tensor> _network;

        public Counted()
            : base("counted")
        {
            using var random = new Generator(3);
            _network = Layer.Sequential(
                Layer.Conv2d(1, 4, 3, random),
                nn.ReLU(),
                Layer.Flatten(),
                Layer.Linear(4 * 6 * 6, Classes, random)
            );
            RegisterComponents();
        }

        public int Calls { get; private set; }

        public override Tensor forward(Tensor images)
        {
            Calls++;
            return _network.call(images);
        }
    }
}
