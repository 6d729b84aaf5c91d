using Parry.Cli.Doctor;

namespace Parry.Cli.Tests;

public class DoctorTests
{
    private const string Fast = "/usr/lib/openblas-pthread/libblas.so.3 (OpenBLAS 0.3.21 SkylakeX MAX_THREADS=64)";

    [Fact]
    public async Task Doctor_writes_one_json_document()
    {
        var doctor = await CommandLine.Run("doctor", "--json");

        var checks = doctor.Json().GetProperty("checks").EnumerateArray().ToDictionary(check => check.GetProperty("name").GetString()!);
        Assert.Equal(0, doctor.Code);
        Assert.True(doctor.Json().GetProperty("works").GetBoolean());
        Assert.Equal("ok", checks["LibTorch"].GetProperty("status").GetString());
        Assert.Contains("libtorch_cpu", checks["LibTorch"].GetProperty("found").GetString(), StringComparison.Ordinal);
        Assert.Contains("GFLOP/s", checks["convolution"].GetProperty("found").GetString(), StringComparison.Ordinal);
        Assert.Superset(new HashSet<string> { ".NET", "cores", "memory", "BLAS", "CUDA devices", "PNG", "JPEG", "MNIST", "models that ship", "download folder" }, checks.Keys.ToHashSet());
        Assert.All(checks.Values, check => Assert.Equal(check.GetProperty("status").GetString() == "ok", check.GetProperty("advice").GetString() is null));
    }

    [Theory]
    [InlineData(Fast, 1, true, null, null)]
    [InlineData("built into LibTorch", 0, true, null, null)]
    [InlineData("/usr/lib/blas/libblas.so.3.11", 0, true, null, "libopenblas0-pthread")]
    [InlineData("/usr/lib/openblas-pthread/libblas.so.3 (OpenBLAS 0.3.21 SkylakeX MAX_THREADS=64)", 8, true, null, "threads of its own")]
    [InlineData("/usr/lib/openblas-serial/libblas.so.3 (OpenBLAS 0.3.21 SkylakeX SINGLE_THREADED)", 1, true, null, "one worker")]
    [InlineData("/usr/lib/openblas-pthread/libblas.so.3 (OpenBLAS 0.3.21 Haswell MAX_THREADS=64)", 1, false, null, null)]
    [InlineData("/usr/lib/openblas-pthread/libblas.so.3 (OpenBLAS 0.3.21 Haswell MAX_THREADS=64)", 1, true, "Haswell", "unset OPENBLAS_CORETYPE")]
    public void A_slow_blas_is_told_from_a_fast_one(string library, int threads, bool hasAvx512, string? coreType, string? advice)
    {
        Check check = TorchChecks.Blas(library, threads, hasAvx512, coreType);

        Assert.Equal(advice is null ? CheckStatus.Ok : CheckStatus.Warning, check.Status);
        Assert.Contains(advice ?? "", check.Advice ?? "", StringComparison.Ordinal);
    }
}
