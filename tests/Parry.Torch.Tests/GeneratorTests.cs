using System.Runtime.InteropServices;
using Parry.Torch.Interop;
using Parry.Torch.Nn;

namespace Parry.Torch.Tests;

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
        using var scope = new TensorScope();
        using Generator one = new(7), other = new(8);
        Tensor.Normal([33], one);
        Tensor state = one.State();
        float[] expected = Tensor.Normal(s_shape, one).ToArray<float>();
        other.Restore(state);
        Assert.Equal(expected, Tensor.Normal(s_shape, other).ToArray<float>());
        Assert.Throws<TorchException>(() => other.Restore(Tensor.Zeros([3], DType.UInt8)));
    }

    [Fact]
    public void Draws_from_one_generator_do_not_move_another()
    {
        using var scope = new TensorScope();
        using Generator one = new(1), other = new(2);
        Tensor.Normal(s_shape, other);
        Assert.Equal(Draw(1), Tensor.Normal(s_shape, one).ToArray<float>());
    }

    [Fact]
    public unsafe void No_draw_touches_the_global_generator()
    {
        using var scope = new TensorScope();
        _ = Loader.Info;
        nint library = NativeLibrary.Load(Path.Combine(AppContext.BaseDirectory, "libparry_torch.so"));
        var find = (delegate* unmanaged<nint>)NativeLibrary.GetExport(library, "_ZN2at6detail22getDefaultCPUGeneratorEv");
        var global = new GeneratorHandle(find());
        try
        {
            byte[] before = State(global);
            DrawAllWays();
            Assert.Equal(before, State(global));
            new Operator("rand").Call([1L]);
            Assert.NotEqual(before, State(global));
        }
        finally
        {
            // LibTorch owns it.
            global.SetHandleAsInvalid();
            NativeLibrary.Free(library);
        }
    }

    private static void DrawAllWays()
    {
        using var random = new Generator(3);
        Tensor.Normal([100], random);
        Tensor.Uniform([100], random).Bernoulli(0.5, random);
        using var network = new Sequential(new Linear(20, 20, random), new Dropout(0.5));
        Init.UnitNorm(((Linear)network.Children[0].Value).Weight, random);
        network.Train(random);
        network.Forward(Tensor.Zeros([5, 20]));
    }

    private static unsafe byte[] State(GeneratorHandle generator)
    {
        nint state;
        NativeError error = default;
        Loader.Check(NativeMethods.parry_generator_get_state(generator, &state, &error), error, "read the state");
        return new Tensor(state).ToArray<byte>();
    }

    private static float[] Draw(long seed)
    {
        using var scope = new TensorScope();
        using var random = new Generator(seed);
        return Tensor.Normal(s_shape, random).ToArray<float>();
    }
}
