using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Parry.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Parry.Tests.Runtime;

public class TensorScopeTests : LeakChecked
{
    [Fact]
    public void A_scope_frees_what_was_made_in_it_and_hands_kept_tensors_out()
    {
        Tensor kept, freed;
        using (var outer = NewDisposeScope())
        {
            using (var inner = NewDisposeScope())
            {
                freed = zeros([1]);
                kept = inner.MoveToOuter(ones([1]));
                Assert.Equal(1, inner.DisposablesCount);
            }

            Assert.Equal(1, outer.DisposablesCount);
            Assert.Equal(1, kept.ToDouble());
            Assert.Equal("freed tensor", freed.Describe());
        }

        Assert.Equal("freed tensor", kept.Describe());
    }

    [Fact]
    public void Keep_of_a_list_hands_out_all_of_it()
    {
        Tensor[] kept;
        using (var scope = NewDisposeScope()) kept = scope.MoveAllToOuter(new[] { zeros([1]), ones([1]) });
        Assert.Equal(1, kept[1].ToDouble());
        foreach (Tensor tensor in kept) tensor.Dispose();
    }

    [Fact]
    public void Keep_leaves_a_tensor_of_an_outer_scope_where_it_is()
    {
        using var outer = NewDisposeScope();
        Tensor tensor = ones([1]);
        using (var inner = NewDisposeScope()) inner.MoveToOuter(tensor);
        Assert.Equal(1, tensor.ToDouble());
    }

    [Fact]
    public void An_owned_tensor_leaves_all_scopes()
    {
        Tensor owned;
        using (NewDisposeScope())
        {
            Tensor made = ones([1]);
            using (NewDisposeScope()) owned = made.DetachFromDisposeScope();
        }

        Assert.Equal(1, owned.ToDouble());
        owned.Dispose();
    }

    [Fact]
    public void An_exception_frees_the_scope_too()
    {
        long before = Tensor.TotalCount;
        Assert.Throws<ExternalException>(() =>
        {
            using var scope = NewDisposeScope();
            zeros([2, 3]).mm(zeros([2, 3]));
        });
        Assert.Equal(before, Tensor.TotalCount);
    }

    [Fact]
    public void Closing_an_outer_scope_first_is_an_error()
    {
        var outer = NewDisposeScope();
        var inner = NewDisposeScope();
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
        long before = Tensor.TotalCount;
        var thread = new Thread(Forget);
        thread.Start();
        thread.Join();
        Assert.True(Tensor.TotalCount >= before + 20);
        for (int i = 0; i < 20 && Tensor.TotalCount != before; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            Thread.Sleep(5);
        }

        Assert.Equal(before, Tensor.TotalCount);
    }

    [Fact]
    public void Ten_thousand_gradient_steps_leave_memory_flat()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        Tensor weight = randn([64, 64], generator: random).requires_grad_();
        Tensor input = randn([16, 64], generator: random);
        void Steps(int count)
        {
            for (int i = 0; i < count; i++)
            {
                using var step = NewDisposeScope();
                Tensor loss = input.mm(weight).tanh().mean();
                Tensor gradient = Autograd.Grad(loss, weight);
                using var frozen = no_grad();
                weight.add_(gradient, -0.1);
            }
        }

        Steps(500);
        long tensors = Tensor.TotalCount, bytes = ResidentBytes();
        Steps(10_000);
        Assert.Equal(tensors, Tensor.TotalCount);
        Assert.InRange(ResidentBytes() - bytes, long.MinValue, 64L << 20);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Forget()
    {
        for (int i = 0; i < 10; i++) zeros([1]);
        _ = NewDisposeScope();
        for (int i = 0; i < 10; i++) zeros([1]);
    }

    private static long ResidentBytes() =>
        long.Parse(File.ReadAllText("/proc/self/statm").Split(' ')[1], CultureInfo.InvariantCulture) * Environment.SystemPageSize;
}
