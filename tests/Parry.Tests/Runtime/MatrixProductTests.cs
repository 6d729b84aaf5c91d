using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Runtime;

public class MatrixProductTests : LeakChecked
{
    [Theory]
    [InlineData("3", "3", "3,3->")]
    [InlineData("2,3", "3", "ij,j->i")]
    [InlineData("3", "3,4", "j,jk->k")]
    [InlineData("2,3", "3,4", "ij,jk->ik")]
    [InlineData("5,2,3", "3,4", "bij,jk->bik")]
    [InlineData("5,2,3", "3", "bij,j->bi")]
    [InlineData("2,3", "5,3,4", "ij,bjk->bik")]
    [InlineData("3", "5,3,4", "j,bjk->bk")]
    [InlineData("5,2,3", "5,3,4", "bij,bjk->bik")]
    [InlineData("6,1,2,3", "5,3,4", "abij,cjk->acik")]
    public void It_is_the_sum_over_the_common_dimension(string left, string right, string sums)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        Tensor a = randn(Shape(left), generator: random);
        Tensor b = randn(Shape(right), generator: random);
        Tensor product = MatrixProduct.Of(a, b);
        Tensor expected = sums == "3,3->" ? (a * b).sum() : einsum(sums, a, b);

        // A dimension of one that is broadcast has no letter of its own in the result.
        Assert.Equal(expected.reshape(product.shape).shape, product.shape);
        Assert.InRange(
            (expected.reshape(product.shape) - product).abs().flatten(0).amax([0]).ToArray<float>()[0],
            0,
            1e-5
        );
    }

    [Theory]
    [InlineData("2,3", "4,5")]
    [InlineData("2,3", "4")]
    [InlineData("5,2,3", "6,3,4")]
    public void Sizes_that_do_not_fit_are_an_error_and_not_the_end_of_the_process(string left, string right)
    {
        using var scope = NewDisposeScope();
        Assert.ThrowsAny<Exception>(() => MatrixProduct.Of(ones(Shape(left)), ones(Shape(right))));
    }

    private static long[] Shape(string text) => [.. text.Split(',').Select(long.Parse)];
}
