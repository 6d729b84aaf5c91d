using System.Runtime.InteropServices;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Runtime;

public class AutogradTests : LeakChecked
{
    [Fact]
    public void The_gradient_of_a_polynomial_is_its_derivative_also_twice()
    {
        using var scope = NewDisposeScope();
        Tensor x = tensor(new double[] { 1.0, -2.0, 0.5 }).requires_grad_();
        Tensor first = Autograd.Grad(x.pow(3.0).sum(), x, createGraph: true);
        Assert.Equal([3, 12, 0.75], first.ToArray<double>());
        Assert.Equal([6, -12, 3], Autograd.Grad(first.sum(), x).ToArray<double>());
    }

    [Fact]
    public void Weights_give_the_gradient_of_the_weighted_sum()
    {
        using var scope = NewDisposeScope();
        Tensor x = tensor(new double[] { 1.0, 2.0 }).requires_grad_();
        Assert.Equal([6, 40], Autograd.Grad(x.mul(x), x, tensor(new double[] { 3.0, 10.0 })).ToArray<double>());
        Assert.Throws<ArgumentException>(() => Autograd.Grad([x.mul(x)], [x], [x, x]));
    }

    [Fact]
    public void An_unused_input_has_no_gradient()
    {
        using var scope = NewDisposeScope();
        Tensor x = ones([1]).requires_grad_();
        Tensor unused = ones([1]).requires_grad_();
        Assert.Null(Autograd.Grad([x.mul(2.0)], [x, unused])[1]);
        Assert.Throws<TorchException>(() => Autograd.Grad(x.mul(2.0), unused));
    }

    [Fact]
    public void A_graph_is_used_up_unless_it_is_retained()
    {
        using var scope = NewDisposeScope();
        Tensor x = ones([1]).requires_grad_();
        Tensor y = x.exp().sum();
        Autograd.Grad([y], [x], retainGraph: true);
        Autograd.Grad([y], [x]);
        Assert.Throws<TorchException>(() => Autograd.Grad([y], [x]));
    }

    [Fact]
    public void Recording_stops_and_starts_with_nested_modes()
    {
        using var scope = NewDisposeScope();
        Tensor x = ones([1]).requires_grad_();
        Assert.True(x.mul(2.0).requires_grad);
        using (no_grad())
        {
            Assert.False(x.mul(2.0).requires_grad);
            using (enable_grad())
            {
                Assert.True(x.mul(2.0).requires_grad);
                using (no_grad())
                    Assert.False(x.mul(2.0).requires_grad);
                Assert.True(is_grad_enabled());
            }

            Assert.False(is_grad_enabled());
        }

        Assert.True(x.mul(2.0).requires_grad);
        Assert.False(x.detach().requires_grad);
    }

    [Fact]
    public void An_exception_restores_the_mode()
    {
        Assert.Throws<ExternalException>(() =>
        {
            using var scope = NewDisposeScope();
            using var frozen = no_grad();
            ones([2, 3]).mm(ones([2, 3]));
        });
        Assert.True(is_grad_enabled());
    }

    [Fact]
    public void A_tensor_that_was_changed_after_its_use_is_refused()
    {
        using var scope = NewDisposeScope();
        Tensor x = ones([1]).requires_grad_();
        Tensor y = x.exp();
        Tensor z = y.mul(y).sum();
        using (no_grad())
            y.add_(1.0);
        var error = Assert.Throws<TorchException>(() => Autograd.Grad(z, x));
        Assert.Contains("inplace", error.Message, StringComparison.Ordinal);
    }
}
