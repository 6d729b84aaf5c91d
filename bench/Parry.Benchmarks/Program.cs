using System.CommandLine;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Running;
using Parry;
using Parry.Benchmarks;
using Parry.Benchmarks.Bounds;
using Parry.Models.TorchScript;
using Parry.Runtime;

TorchScriptProbe.Program = () => ParryProgram.With();
return args is [] or ["bounds" or "gpu" or "-h" or "-?" or "--help", ..] ? Bounds() : Benchmarks();

int Bounds()
{
    try
    {
        ParseResult parsed = BoundsCommand.Create().Parse(args is [] ? ["--help"] : args);
        int code = parsed.Invoke(new() { EnableDefaultExceptionHandler = false });
        return parsed.Errors.Count > 0 ? 2 : code;
    }
    catch (Exception e) when (e is UserErrorException or TorchNotFoundException)
    {
        Console.Error.WriteLine($"bench/run: {e.Message}");
        return 2;
    }
}

// In this process: one that BenchmarkDotNet generates would need half a gigabyte of LibTorch beside it.
int Benchmarks()
{
    var config = ManualConfig
        .Create(DefaultConfig.Instance)
        .AddDiagnoser(MemoryDiagnoser.Default)
        .WithArtifactsPath(Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../../../benchmarks")));
    BenchmarkSwitcher.FromAssembly(typeof(BoundsCommand).Assembly).Run([.. args, "--inProcess"], config);
    return 0;
}
