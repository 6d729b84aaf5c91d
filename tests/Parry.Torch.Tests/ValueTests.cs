namespace Parry.Torch.Tests;

public class ValueTests : LeakChecked
{
    [Fact]
    public void An_integer_becomes_a_float_where_the_schema_wants_one()
    {
        using var scope = new TensorScope();
        using var random = new Generator(1);
        Assert.Equal([1f, 1f, 1f], new Operator("bernoulli.p").Call(Tensor.Zeros([3]), 1, random).ToArray<float>());
    }

    [Fact]
    public void An_integer_becomes_a_pair_where_the_schema_wants_one()
    {
        using var scope = new TensorScope();
        Assert.Equal([1, 1, 3, 3], Tensor.Zeros([1, 1, 8, 8]).Conv2d(Tensor.Zeros([1, 1, 3, 3]), stride: 2).Shape);
    }

    [Fact]
    public void Lists_of_integers_floats_and_truth_values_arrive()
    {
        using var scope = new TensorScope();
        Tensor ones = Tensor.Ones([1, 1, 2, 2]);
        Assert.Equal([4, 1], ones.Reshape(4, 1).Shape);
        Assert.Equal([1, 1, 6, 4], new Operator("upsample_nearest2d.vec").Call(ones, Value.None, new[] { 3.0, 2.0 }).Shape);
        Tensor?[] gradients = new Operator("native_batch_norm_backward").CallMany(ones, ones, Tensor.Ones([1]), Value.None, Value.None,
            Tensor.Ones([1]), Tensor.Ones([1]), true, 1e-5, Value.Flags(true, false, true));
        Assert.Equal([true, false, true], gradients.Select(g => g is not null));
    }

    [Fact]
    public void Lists_longer_than_the_stack_buffer_arrive_in_order()
    {
        using var scope = new TensorScope();
        Tensor[] pieces = [.. Enumerable.Range(0, 200).Select(i => Tensor.From([(float)i]))];
        Assert.Equal(Enumerable.Range(0, 200).Select(i => (float)i), Tensor.Cat(pieces).ToArray<float>());
    }

    [Fact]
    public void A_list_of_optional_tensors_may_hold_nothing()
    {
        using var scope = new TensorScope();
        Tensor matrix = Tensor.From<float>([1, 2, 3, 4], 2, 2);
        Tensor column = new Operator("index.Tensor").Call(matrix, new Tensor?[] { null, Tensor.From([1L]) });
        Assert.Equal([2f, 4f], column.ToArray<float>());
    }

    [Fact]
    public void Strings_devices_types_formats_and_none_arrive()
    {
        using var scope = new TensorScope();
        Tensor a = Tensor.From<float>([1, 2, 3, 4], 2, 2);
        Assert.Equal(10f, new Operator("einsum").Call("ij->", new[] { a }).ToArray<float>()[0]);
        Assert.Equal([0f, 1f, 1f, 2f], new Operator("div.Tensor_mode").Call(a, Tensor.From([2f]), "floor").ToArray<float>());
        Assert.Equal(Device.Cpu, a.To(Device.Cpu).Device);
        Assert.Equal(DType.Float64, a.To(DType.Float64).DType);
        Tensor image = Tensor.Zeros([1, 2, 3, 3]).Contiguous(MemoryFormat.ChannelsLast);
        Assert.Equal([1, 2, 3, 3], image.Shape);
        Assert.Equal(2f, new Operator("clamp").Call(a, Value.None, 2).Amax([0, 1]).ToArray<float>()[0]);
    }

    [Fact]
    public void A_list_of_results_is_flattened()
    {
        using var scope = new TensorScope();
        Tensor?[] rows = new Operator("unbind.int").CallMany(Tensor.From<float>([1, 2, 3, 4], 2, 2), 0);
        Assert.Equal([3f, 4f], rows[1]!.ToArray<float>());
        Assert.Equal(2, rows.Length);
    }

    [Fact]
    public void Every_element_type_survives_the_way_in_and_out()
    {
        using var scope = new TensorScope();
        Assert.Equal([1.5f, -2f], Tensor.From([1.5f, -2f]).ToArray<float>());
        Assert.Equal([1.5, -2], Tensor.From([1.5, -2]).ToArray<double>());
        Assert.Equal([long.MaxValue], Tensor.From([long.MaxValue]).ToArray<long>());
        Assert.Equal([int.MinValue], Tensor.From([int.MinValue]).ToArray<int>());
        Assert.Equal([(byte)255], Tensor.From([(byte)255]).ToArray<byte>());
        Assert.Equal([true, false], Tensor.From([true, false]).ToArray<bool>());
        Assert.Throws<InvalidOperationException>(() => Tensor.From([1f]).ToArray<double>());
        Assert.Throws<NotSupportedException>(() => Tensor.From([1m]));
        Assert.Throws<ArgumentException>(() => Tensor.From<float>([1, 2, 3], 2, 2));
        Assert.Throws<ArgumentException>(() => Tensor.FromBytes([1, 2, 3], DType.Float32, 1));
        Assert.Equal([3f, 1f, 4f, 2f], Tensor.From<float>([1, 2, 3, 4], 2, 2).Transpose(0, 1).Reshape(4).IndexSelect(0, Tensor.From([1L, 0, 3, 2])).ToArray<float>());
    }
}
