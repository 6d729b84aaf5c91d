namespace Parry.Torch.Tests;

public class OperatorTests
{
    [Fact]
    public void Every_operator_the_binding_names_exists_in_this_LibTorch()
    {
        using var touch = Tensor.Zeros([1]);
        var missing = Operator.All.Where(op => !op.Name.Contains("no_such", StringComparison.Ordinal) && Record.Exception(() => op.Schema) is not null).Select(op => op.ToString());
        Assert.Empty(missing);
        Assert.True(Operator.All.Count > 80);
    }

    [Fact]
    public void A_call_with_wrong_shapes_names_the_operator_and_the_shapes()
    {
        using var scope = new TensorScope();
        Tensor a = Tensor.Zeros([2, 3]), b = Tensor.Zeros([4, 5]);
        var error = Assert.Throws<TorchException>(() => a.MatMul(b));
        Assert.Contains("aten::matmul(Float32[2, 3], Float32[4, 5])", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("\n#", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_call_with_a_wrong_type_is_an_exception_that_names_the_argument()
    {
        var op = new Operator("conv2d");
        using var image = Tensor.Zeros([1, 1, 4, 4]);
        var error = Assert.Throws<TorchException>(() => op.Call(image, 3));
        Assert.Contains("weight", error.Message, StringComparison.Ordinal);
        Assert.Throws<TorchException>(() => op.Call());
        Assert.Throws<TorchException>(() => op.Call(image, image, Value.None, 1, 0, 1, 1, 99));
    }

    [Fact]
    public void An_operator_that_does_not_exist_is_named()
    {
        var error = Assert.Throws<TorchException>(() => new Operator("no_such_operator").Call());
        Assert.Equal(ErrorKind.NotImplemented, error.Kind);
        Assert.Contains("no_such_operator", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Integers_become_floats_and_lists_where_the_schema_wants_them()
    {
        using var scope = new TensorScope();
        using var generator = new Generator(1);
        Assert.Equal([1f, 1f, 1f], new Operator("bernoulli.p").Call(Tensor.Zeros([3]), 1, generator).ToArray<float>());
        Assert.Equal([2, 3, 6, 6], Tensor.Zeros([2, 3, 8, 8]).Conv2d(Tensor.Zeros([3, 3, 3, 3])).Shape);
    }

    [Fact]
    public void A_null_reference_is_still_an_exception_after_LibTorch_is_loaded()
    {
        using var touch = Tensor.Zeros([1]);
        string? nothing = null;
        Assert.Throws<NullReferenceException>(() => nothing!.Length);
    }
}
