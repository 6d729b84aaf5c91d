using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Parry.Torch.Interop;

namespace Parry.Torch.Tests;

public class AbiTests : LeakChecked
{
    [Fact]
    public void Structures_have_the_sizes_and_offsets_of_the_native_side()
    {
        Assert.Equal(16, Unsafe.SizeOf<NativeValue>());
        Assert.Equal(4, (int)Marshal.OffsetOf<NativeValue>(nameof(NativeValue.Count)));
        Assert.Equal(8, (int)Marshal.OffsetOf<NativeValue>(nameof(NativeValue.Pointer)));
        Assert.Equal(16, Unsafe.SizeOf<NativeError>());
        Assert.Equal(32, Unsafe.SizeOf<NativeTensorInfo>());
        Assert.Equal(8, (int)Marshal.OffsetOf<NativeTensorInfo>(nameof(NativeTensorInfo.Device)));
        Assert.Equal(72, Unsafe.SizeOf<NativeInfo>());
    }

    [Fact]
    public unsafe void A_native_part_of_another_version_is_refused()
    {
        _ = Loader.Info;
        NativeInfo info = new() { Size = sizeof(NativeInfo) - 8 };
        NativeError error = default;
        int kind = NativeMethods.parry_info(&info, &error);
        var refused = TorchException.From(kind, error, "");
        Assert.NotEqual(0, kind);
        Assert.Contains("another version", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_exported_function_that_can_fail_is_guarded()
    {
        string source = File.ReadAllText(NativeSource());
        var functions = Regex.Matches(source, @"^PARRY_EXPORT int32_t (\w+)\([^{]*\{(.*?)\n\}", RegexOptions.Multiline | RegexOptions.Singleline);
        var declared = Regex.Matches(source, @"^PARRY_EXPORT int32_t", RegexOptions.Multiline);
        Assert.True(functions.Count >= 15, $"found only {functions.Count} functions");
        Assert.Equal(declared.Count, functions.Count);
        Assert.Empty(functions.Where(f => !f.Groups[2].Value.Contains("guard(error, ", StringComparison.Ordinal)).Select(f => f.Groups[1].Value));
    }

    [Fact]
    public void Every_exported_function_is_bound_and_every_bound_one_exported()
    {
        var exported = Regex.Matches(File.ReadAllText(NativeSource()), @"^PARRY_EXPORT \w+ (\w+)", RegexOptions.Multiline).Select(m => m.Groups[1].Value);
        var bound = typeof(NativeMethods).GetMethods(System.Reflection.BindingFlags.Static | System.Reflection.BindingFlags.NonPublic)
            .Select(m => m.Name).Where(name => name.StartsWith("parry_", StringComparison.Ordinal));
        Assert.Equal(exported.Order(), bound.Order());
    }

    private static string NativeSource([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../src/Parry.Torch/native/parry_torch.cpp"));
}
