using Parry.Models.Architectures;
using Parry.Models.Architectures.Layers;
using Parry.Runtime;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Parry.Tests.Runtime;

public class GeneratorTests : LeakChecked
{
    private static readonly long[] s_shape = [40];

    [Fact]
    public void The_same_seed_gives_the_same_numbers_and_another_seed_others()
    {
        Assert.Equal(Draw(1), Draw(1));
        Assert.NotEqual(Draw(1), Draw(2));
    }

    [Fact]
    public void A_restored_state_continues_exactly()
    {
        using var scope = NewDisposeScope();
        using Generator one = new(7);
        using Generator other = new(8);
        randn([33], generator: one);
        Tensor state = one.get_state();
        float[] expected = randn(s_shape, generator: one).ToArray<float>();
        other.Restore(state);
        Assert.Equal(expected, randn(s_shape, generator: other).ToArray<float>());
        Assert.Throws<InvalidDataException>(() => other.Restore(zeros([3], ScalarType.Byte)));
    }

    [Fact]
    public void Draws_from_one_generator_do_not_move_another()
    {
        using var scope = NewDisposeScope();
        using Generator one = new(1);
        using Generator other = new(2);
        randn(s_shape, generator: other);
        Assert.Equal(Draw(1), randn(s_shape, generator: one).ToArray<float>());
    }

    [Fact]
    public void No_draw_touches_the_global_generator()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(3);
        using Linear linear = Layer.Linear(20, 20, random);
        using var network = Layer.Sequential(linear, new SeededDropout(0.5));
        byte[] before = Generator.Default.get_state().ToArray<byte>();
        DrawAllWays(linear, network, random);
        Assert.Equal(before, Generator.Default.get_state().ToArray<byte>());
        rand(1);
        Assert.NotEqual(before, Generator.Default.get_state().ToArray<byte>());
    }

    // Making a layer is not among them: TorchSharp fills it with numbers of its own first, which nobody sees.
    private static void DrawAllWays(Linear linear, Sequential network, Generator random)
    {
        randn([100], generator: random);
        empty_like(rand([100], generator: random)).bernoulli_(0.5, random);
        Init.UnitNorm(linear.weight, random);
        network.Train(random);
        network.forward(zeros([5, 20]));
    }

    private static float[] Draw(long seed)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator((ulong)seed);
        return randn(s_shape, generator: random).ToArray<float>();
    }
}
