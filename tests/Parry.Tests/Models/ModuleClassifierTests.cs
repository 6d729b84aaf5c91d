using Parry.Attacks;
using Parry.Attacks.DecisionBased;
using Parry.Attacks.ScoreBased;
using Parry.Attacks.WhiteBox;
using Parry.Defenses;
using Parry.Defenses.Squeezing;
using Parry.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Parry.Tests.Models;

public sealed class ModuleClassifierTests : IDisposable
{
    private static readonly ImageShape s_shape = new(1, 8, 8);

    private readonly YourNetwork _network = new();
    private readonly Tensor _images = rand([6, 1, 8, 8]);
    private readonly Tensor _labels;

    public ModuleClassifierTests()
    {
        _network.eval();
        using var frozen = no_grad();
        _labels = _network.call(_images).argmax(1);
        _network.train();
        _network.Frozen.eval();
    }

    public void Dispose()
    {
        _network.Dispose();
        _images.Dispose();
        _labels.Dispose();
    }

    [Fact]
    public void Attacks_of_every_kind_take_it_and_leave_it_as_it_was()
    {
        var model = new ModuleClassifier(_network, s_shape, 3);
        Goal goal = Goal.Untargeted(_labels);
        using AttackResult pgd = AttackRunner.Run(
            new ProjectedGradientDescent { Epsilon = 0.5, Steps = 10 },
            model,
            _images,
            goal,
            seed: 1
        );
        using AttackResult square = AttackRunner.Run(
            new SquareAttack { Epsilon = 0.5, Queries = 20 },
            (IScorer)model,
            _images,
            goal,
            seed: 1
        );
        using AttackResult boundary = AttackRunner.Run(
            new BoundaryAttack { Steps = 3 },
            (IPredictor)model,
            _images,
            goal,
            seed: 1
        );
        Assert.All(pgd.Attacked, Assert.True);
        Assert.Contains(true, pgd.Succeeded);
        IsAsItWas();
    }

    [Fact]
    public void A_purifier_in_front_of_it_is_attacked_like_any_other_model()
    {
        IClassifier guarded = new BitDepth(s_shape) { Bits = 4 }.Protect(
            new ModuleClassifier(_network, s_shape, 3),
            seed: 1
        );
        using AttackResult result = AttackRunner.Run(
            new ProjectedGradientDescent { Epsilon = 0.5, Steps = 5 },
            guarded,
            _images,
            Goal.Untargeted(_labels),
            seed: 1
        );
        Assert.Equal(6, result.Succeeded.Length);
        IsAsItWas();
    }

    [Fact]
    public void An_exception_leaves_it_as_it_was_too()
    {
        var model = new ModuleClassifier(_network, s_shape, 3);
        _network.Breaks = true;
        Assert.ThrowsAny<Exception>(() =>
            AttackRunner.Run(
                new ProjectedGradientDescent { Epsilon = 0.5 },
                model,
                _images,
                Goal.Untargeted(_labels),
                seed: 1
            )
        );
        IsAsItWas();
    }

    [Fact]
    public void Its_weights_get_no_gradients()
    {
        var model = new ModuleClassifier(_network, s_shape, 3);
        ((IClassifier)model).Gradient(_images, logits => logits.logsumexp(1));
        Assert.All(_network.parameters(), parameter => Assert.Null(parameter.grad));
    }

    [Fact]
    public void Another_number_of_classes_and_images_that_do_not_fit_are_refused_in_one_line()
    {
        var error = Assert.Throws<UserErrorException>(() =>
            new ModuleClassifier(_network, s_shape, 10).Logits(_images)
        );
        Assert.Contains("Float32[6, 3]", error.Message, StringComparison.Ordinal);
        using Tensor large = rand([2, 1, 9, 9]);
        error = Assert.Throws<UserErrorException>(() => new ModuleClassifier(_network, s_shape, 3).Logits(large));
        Assert.Contains("Float32[2, 1, 9, 9]", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    private void IsAsItWas()
    {
        Assert.True(_network.training);
        Assert.True(_network.Dropout.training);
        Assert.False(_network.Frozen.training);
        Assert.All(_network.parameters(), parameter => Assert.True(parameter.requires_grad));
    }

    /// <summary>
    /// As people write them: a view after a convolution, dropout, a part that stays in evaluation mode.
    /// </summary>
    private sealed class YourNetwork : nn.Module<Tensor, Tensor>
    {
        private readonly Conv2d _conv = nn.Conv2d(1, 4, 3, padding: 1);
        private readonly Linear _last = nn.Linear(4 * 64, 3);

        public YourNetwork()
            : base("yours") => RegisterComponents();

        public Dropout Dropout { get; } = nn.Dropout(0.5);

        public BatchNorm2d Frozen { get; } = nn.BatchNorm2d(4);

        public bool Breaks { get; set; }

        public override Tensor forward(Tensor input)
        {
            if (Breaks)
                throw new TimeoutException();
            Tensor maps = Frozen.call(_conv.call(input)).relu();
            return _last.call(Dropout.call(maps.view(-1, 4 * 64)));
        }
    }
}
