using Parry.Runtime;
using TorchSharp;

namespace Parry.Tests.Runtime;

public class DevicesTests
{
    [Fact]
    public void The_processor_is_a_device() => Assert.Equal(DeviceType.CPU, TorchLibrary.Device("cpu").type);

    [Theory]
    [InlineData("gpu")]
    [InlineData("cuda:")]
    [InlineData("cuda:-1")]
    [InlineData("cuda:1:2")]
    [InlineData("")]
    public void Nonsense_is_refused_with_what_was_expected(string name) =>
        Assert.Contains(
            "cuda:0",
            Assert.Throws<UserErrorException>(() => TorchLibrary.Device(name)).Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void Without_CUDA_the_error_names_both_ways_to_get_it()
    {
        if (TorchLibrary.CudaDevices > 0)
            return;
        string message = Assert.Throws<UserErrorException>(() => TorchLibrary.Device("cuda")).Message;
        Assert.Contains("PARRY_LIBTORCH", message, StringComparison.Ordinal);
        Assert.Contains("TorchSharp-cuda", message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }

    [Fact]
    public void The_processor_keeps_its_batch_sizes_and_computes_float32_in_full_anyway()
    {
        Assert.Equal(128, Devices.RowsAtOnce(128, 784));
        Assert.Null(Devices.FullFloat32());
    }

    [Fact]
    public void A_generator_of_the_device_draws_what_its_seed_says()
    {
        using torch.Generator one = Devices.Generator(5);
        using torch.Generator other = Devices.Generator(5);
        using torch.Tensor first = torch.rand(4, generator: one);
        using torch.Tensor second = torch.rand(4, generator: other);
        Assert.Equal(first.ToArray<float>(), second.ToArray<float>());
    }
}
