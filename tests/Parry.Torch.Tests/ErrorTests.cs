namespace Parry.Torch.Tests;

public class ErrorTests : LeakChecked
{
    [Fact]
    public void An_index_out_of_range_is_an_index_error() =>
        Fails(ErrorKind.Index, "aten::select.int", () => Tensor.Zeros([2]).Select(0, 5));

    [Fact]
    public void A_memory_format_that_does_not_exist_is_a_value_error() =>
        Fails(ErrorKind.Value, "memory format 77", () => Tensor.Zeros([2]).Contiguous((MemoryFormat)77));

    [Fact]
    public void Too_many_arguments_are_a_value_error() =>
        Fails(ErrorKind.Value, "takes 1 arguments, not 2", () => new Operator("relu").Call(Tensor.Zeros([2]), 1));

    [Fact]
    public void A_list_of_the_wrong_kind_is_a_type_error() =>
        Fails(ErrorKind.Type, "size", () => new Operator("zeros").Call(new[] { 1.5 }));

    [Fact]
    public void A_list_for_a_tensor_is_a_type_error() =>
        Fails(ErrorKind.Type, "self", () => new Operator("relu").Call(new long[] { 1 }));

    [Fact]
    public void An_unknown_operator_or_overload_is_not_implemented()
    {
        Fails(ErrorKind.NotImplemented, "aten::no_such_operator", () => new Operator("no_such_operator").Call());
        Fails(ErrorKind.NotImplemented, "aten::add.NoSuchOverload", () => new Operator("add.NoSuchOverload").Call());
    }

    [Fact]
    public void A_tensor_larger_than_memory_is_out_of_memory() =>
        Fails(ErrorKind.OutOfMemory, "aten::empty.memory_format([35184372088832]", () => Tensor.Empty([1L << 45]));

    [Fact]
    public void Shapes_that_do_not_fit_are_named() =>
        Fails(ErrorKind.Torch, "aten::matmul(Float32[2, 3], Float32[4, 5])", () => Tensor.Zeros([2, 3]).MatMul(Tensor.Zeros([4, 5])));

    [Fact]
    public void A_result_that_is_no_tensor_is_said_to_be_none() =>
        Fails(ErrorKind.Type, "no single tensor", () => new Operator("is_nonzero").Call(Tensor.Zeros([1])));

    [Fact]
    public void Too_few_arguments_name_the_missing_one() =>
        Fails(null, "weight", () => new Operator("conv2d").Call(Tensor.Zeros([1, 1, 4, 4])));

    [Fact]
    public void Integers_cannot_require_gradients() =>
        Fails(ErrorKind.Torch, "Int64[2]", () => Tensor.Zeros([2], DType.Int64).RequireGrad());

    [Fact]
    public void A_freed_tensor_is_refused_everywhere()
    {
        using var scope = new TensorScope();
        Tensor freed = Tensor.Zeros([1]), other = Tensor.Zeros([1]).RequireGrad();
        freed.Dispose();
        freed.Dispose();
        Assert.Throws<ObjectDisposedException>(() => freed.Shape);
        Assert.Throws<ObjectDisposedException>(() => freed.Add(1));
        Assert.Throws<ObjectDisposedException>(() => other.Add(freed));
        Assert.Throws<ObjectDisposedException>(() => Tensor.Cat([other, freed]));
        Assert.Throws<ObjectDisposedException>(() => Autograd.Grad(freed, other));
        Assert.Throws<ObjectDisposedException>(() => Autograd.Grad(other.Sum(), freed));
        Assert.Equal("freed tensor", freed.ToString());
    }

    [Fact]
    public void A_null_reference_is_still_an_exception_after_LibTorch_is_loaded()
    {
        using var touch = Tensor.Zeros([1]);
        string? nothing = null;
        Assert.Throws<NullReferenceException>(() => nothing!.Length);
    }

    private static void Fails(ErrorKind? kind, string part, Func<Tensor> call)
    {
        using var scope = new TensorScope();
        var error = Assert.Throws<TorchException>(() => call());
        if (kind is not null) Assert.Equal(kind, error.Kind);
        Assert.Contains(part, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("frame #", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("please report a bug", error.Message, StringComparison.Ordinal);
    }
}
