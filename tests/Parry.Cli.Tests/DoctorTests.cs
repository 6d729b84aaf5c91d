namespace Parry.Cli.Tests;

public class DoctorTests
{
    [Fact]
    public async Task Doctor_writes_one_json_document()
    {
        var doctor = await CommandLine.Run("doctor", "--json");

        var checks = doctor
            .Json()
            .GetProperty("checks")
            .EnumerateArray()
            .ToDictionary(check => check.GetProperty("name").GetString()!);
        Assert.Equal(0, doctor.Code);
        Assert.True(doctor.Json().GetProperty("works").GetBoolean());
        Assert.Equal("ok", checks["LibTorch"].GetProperty("status").GetString());
        Assert.Contains("2.10", checks["LibTorch"].GetProperty("found").GetString(), StringComparison.Ordinal);
        Assert.Contains("GFLOP/s", checks["convolution"].GetProperty("found").GetString(), StringComparison.Ordinal);
        Assert.Superset(
            new HashSet<string>
            {
                ".NET",
                "cores",
                "memory",
                "LibTorch",
                "threads",
                "gradient",
                "CUDA devices",
                "MNIST",
                "models that ship",
                "download folder",
            },
            checks.Keys.ToHashSet()
        );
        Assert.All(
            checks.Values,
            check =>
                Assert.Equal(
                    check.GetProperty("status").GetString() == "ok",
                    check.GetProperty("advice").GetString() is null
                )
        );
    }
}
