using System.Globalization;
using System.Runtime.CompilerServices;

namespace Parry.Torch.Tests;

public class TensorScopeTests : LeakChecked
{
    [Fact]
    public void A_scope_frees_what_was_made_in_it_and_hands_kept_tensors_out()
    {
        Tensor kept, freed;
        using (var outer = new TensorScope())
        {
            using (var inner = new TensorScope())
            {
                freed = Tensor.Zeros([1]);
                kept = inner.Keep(Tensor.Ones([1]));
                Assert.Equal(1, inner.Created);
            }

            Assert.Equal(1, outer.Created);
            Assert.Equal(1, kept.ToDouble());
            Assert.Equal("freed tensor", freed.Describe());
        }

        Assert.Equal("freed tensor", kept.Describe());
    }

    [Fact]
    public void Keep_of_a_list_hands_out_all_of_it()
    {
        Tensor[] kept;
        using (var scope = new TensorScope()) kept = scope.Keep(new[] { Tensor.Zeros([1]), Tensor.Ones([1]) });
        Assert.Equal(1, kept[1].ToDouble());
        foreach (Tensor tensor in kept) tensor.Dispose();
    }

    [Fact]
    public void Keep_leaves_a_tensor_of_an_outer_scope_where_it_is()
    {
        using var outer = new TensorScope();
        Tensor tensor = Tensor.Ones([1]);
        using (var inner = new TensorScope()) inner.Keep(tensor);
        Assert.Equal(1, tensor.ToDouble());
    }

    [Fact]
    public void An_owned_tensor_leaves_all_scopes()
    {
        Tensor owned;
        using (new TensorScope())
        {
            Tensor made = Tensor.Ones([1]);
            using (new TensorScope()) owned = made.Own();
        }

        Assert.Equal(1, owned.ToDouble());
        owned.Dispose();
    }

    [Fact]
    public void An_exception_frees_the_scope_too()
    {
        long before = TensorScope.LiveTensors;
        Assert.Throws<TorchException>(() =>
        {
            using var scope = new TensorScope();
            Tensor.Zeros([2, 3]).MatMul(Tensor.Zeros([2, 3]));
        });
        Assert.Equal(before, TensorScope.LiveTensors);
    }

    [Fact]
    public void Closing_an_outer_scope_first_is_an_error()
    {
        var outer = new TensorScope();
        var inner = new TensorScope();
        bool refused = false;
        try
        {
            outer.Dispose();
        }
        catch (InvalidOperationException)
        {
            refused = true;
        }

        inner.Dispose();
        outer.Dispose();
        Assert.True(refused);
    }

    [Fact]
    public void Forgotten_tensors_are_freed_by_the_garbage_collector()
    {
        long before = TensorScope.LiveTensors;
        var thread = new Thread(Forget);
        thread.Start();
        thread.Join();
        Assert.True(TensorScope.LiveTensors >= before + 20);
        for (int i = 0; i < 20 && TensorScope.LiveTensors != before; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            Thread.Sleep(5);
        }

        Assert.Equal(before, TensorScope.LiveTensors);
    }

    [Fact]
    public void Ten_thousand_gradient_steps_leave_memory_flat()
    {
        using var scope = new TensorScope();
        using var random = new Generator(1);
        Tensor weight = Tensor.Normal([64, 64], random).RequireGrad();
        Tensor input = Tensor.Normal([16, 64], random);
        void Steps(int count)
        {
            for (int i = 0; i < count; i++)
            {
                using var step = new TensorScope();
                Tensor loss = input.MatMul(weight).Tanh().Mean();
                Tensor gradient = Autograd.Grad(loss, weight);
                using var frozen = Autograd.NoGrad();
                weight.AddInPlace(gradient, -0.1);
            }
        }

        Steps(500);
        long tensors = TensorScope.LiveTensors, bytes = ResidentBytes();
        Steps(10_000);
        Assert.Equal(tensors, TensorScope.LiveTensors);
        Assert.InRange(ResidentBytes() - bytes, long.MinValue, 64L << 20);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Forget()
    {
        for (int i = 0; i < 10; i++) Tensor.Zeros([1]);
        _ = new TensorScope();
        for (int i = 0; i < 10; i++) Tensor.Zeros([1]);
    }

    private static long ResidentBytes() =>
        long.Parse(File.ReadAllText("/proc/self/statm").Split(' ')[1], CultureInfo.InvariantCulture) * Environment.SystemPageSize;
}
