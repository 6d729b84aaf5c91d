namespace Parry.Torch.Tests;

public class AutogradTests : LeakChecked
{
    [Fact]
    public void The_gradient_of_a_polynomial_is_its_derivative_also_twice()
    {
        using var scope = new TensorScope();
        Tensor x = Tensor.From([1.0, -2.0, 0.5]).RequireGrad();
        Tensor first = Autograd.Grad(x.Pow(3).Sum(), x, createGraph: true);
        Assert.Equal([3, 12, 0.75], first.ToArray<double>());
        Assert.Equal([6, -12, 3], Autograd.Grad(first.Sum(), x).ToArray<double>());
    }

    [Fact]
    public void Weights_give_the_gradient_of_the_weighted_sum()
    {
        using var scope = new TensorScope();
        Tensor x = Tensor.From([1.0, 2.0]).RequireGrad();
        Assert.Equal([6, 40], Autograd.Grad(x.Mul(x), x, Tensor.From([3.0, 10.0])).ToArray<double>());
        Assert.Throws<ArgumentException>(() => Autograd.Grad([x.Mul(x)], [x], [x, x]));
    }

    [Fact]
    public void An_unused_input_has_no_gradient()
    {
        using var scope = new TensorScope();
        Tensor x = Tensor.Ones([1]).RequireGrad(), unused = Tensor.Ones([1]).RequireGrad();
        Assert.Null(Autograd.Grad([x.Mul(2)], [x, unused])[1]);
        Assert.Throws<TorchException>(() => Autograd.Grad(x.Mul(2), unused));
    }

    [Fact]
    public void A_graph_is_used_up_unless_it_is_retained()
    {
        using var scope = new TensorScope();
        Tensor x = Tensor.Ones([1]).RequireGrad();
        Tensor y = x.Exp().Sum();
        Autograd.Grad([y], [x], retainGraph: true);
        Autograd.Grad([y], [x]);
        Assert.Throws<TorchException>(() => Autograd.Grad([y], [x]));
    }

    [Fact]
    public void Recording_stops_and_starts_with_nested_modes()
    {
        using var scope = new TensorScope();
        Tensor x = Tensor.Ones([1]).RequireGrad();
        Assert.True(x.Mul(2).RequiresGrad);
        using (Autograd.NoGrad())
        {
            Assert.False(x.Mul(2).RequiresGrad);
            using (Autograd.WithGrad())
            {
                Assert.True(x.Mul(2).RequiresGrad);
                using (Autograd.NoGrad()) Assert.False(x.Mul(2).RequiresGrad);
                Assert.True(Autograd.Enabled);
            }

            Assert.False(Autograd.Enabled);
        }

        Assert.True(x.Mul(2).RequiresGrad);
        Assert.False(x.Detach().RequiresGrad);
    }

    [Fact]
    public void An_exception_restores_the_mode()
    {
        Assert.Throws<TorchException>(() =>
        {
            using var frozen = Autograd.NoGrad();
            new Operator("no_such_operator").Call();
        });
        Assert.True(Autograd.Enabled);
    }

    [Fact]
    public void A_tensor_that_was_changed_after_its_use_is_refused()
    {
        using var scope = new TensorScope();
        Tensor x = Tensor.Ones([1]).RequireGrad();
        Tensor y = x.Exp();
        Tensor z = y.Mul(y).Sum();
        using (Autograd.NoGrad()) y.AddInPlace(1);
        var error = Assert.Throws<TorchException>(() => Autograd.Grad(z, x));
        Assert.Contains("inplace", error.Message, StringComparison.Ordinal);
    }
}
