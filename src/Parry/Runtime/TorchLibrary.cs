using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using TorchSharp;

namespace Parry.Runtime;

/// <summary>
/// Loads LibTorch once, with the C environment set before LibTorch reads it: from the folder <c>PARRY_LIBTORCH</c>, or
/// from beside the program. If the system's libstdc++ is older than TorchSharp requires, a copy of TorchSharp's native
/// library with that requirement marked weak is loaded instead.
/// </summary>
public static partial class TorchLibrary
{
    /// <summary>
    /// The environment variable for a folder with LibTorch's libraries, such as …/site-packages/torch/lib.
    /// </summary>
    public const string FolderVariable = "PARRY_LIBTORCH";

    private const string Wrapper = "LibTorchSharp";
    private const int TrimThreshold = -1;
    private const int MmapThreshold = -3;
    private const int ArenaMax = -8;

    private static readonly Lazy<nint> s_wrapper = new(LoadAll, LazyThreadSafetyMode.ExecutionAndPublication);

    /// <summary>The folder that LibTorch was loaded from; empty before.</summary>
    public static string Folder { get; private set; } = "";

    /// <summary>How LibTorch was loaded, in words; empty before.</summary>
    public static string Way { get; private set; } = "";

    /// <summary>LibTorch's version.</summary>
    public static string Version => torch.__version__;

    /// <summary>
    /// Whether numbers given to operators live through their calls. TorchSharp 0.107 as it is published lets the
    /// garbage collector free them before; Parry's own build changes one attribute of it.
    /// </summary>
    public static bool KeepsScalarsAlive =>
        typeof(torch).Assembly.GetCustomAttribute<System.Diagnostics.DebuggableAttribute>()
            is { IsJITOptimizerDisabled: true };

    /// <summary>The number of CUDA devices that LibTorch sees.</summary>
    public static int CudaDevices
    {
        get
        {
            Load();
            return HasCuda(Folder) && torch.cuda.is_available() ? torch.cuda.device_count() : 0;
        }
    }

    /// <summary>
    /// Loads LibTorch if it is not loaded yet, and checks whether it computes correctly on this processor.
    /// </summary>
    /// <exception cref="TorchNotFoundException">LibTorch is not found, or cannot be loaded.</exception>
    /// <exception cref="TorchException">It computes wrong numbers, and that cannot be mended.</exception>
    public static void Load()
    {
        _ = s_wrapper.Value;
        _ = ConvolutionCheck.UsesOneDnn;
    }

    /// <summary>
    /// Whether LibTorch uses oneDNN, which is faster; not where oneDNN computes wrong numbers on this processor.
    /// </summary>
    public static bool UsesOneDnn
    {
        get
        {
            Load();
            return ConvolutionCheck.UsesOneDnn;
        }
    }

    /// <summary>Sets the number of threads that an operator may use when called from this thread.</summary>
    public static void SetThreads(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        Load();
#pragma warning disable RS0030 // The count was checked.
        torch.set_num_threads(count);
#pragma warning restore RS0030
    }

    /// <summary>Returns the number of threads that an operator may use when called from this thread.</summary>
    public static int Threads
    {
        get
        {
            Load();
            return torch.get_num_threads();
        }
    }

    /// <summary>Finds the device of this name: <c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>.</summary>
    /// <exception cref="UserErrorException">There is no such device, or LibTorch has no CUDA.</exception>
    public static torch.Device Device(string name)
    {
        if (name == "cpu")
            return torch.CPU;
        string[] parts = name.Split(':');
        int index = 0;
        if (
            parts[0] != "cuda"
            || parts.Length > 2
            || (parts.Length == 2 && (!int.TryParse(parts[1], CultureInfo.InvariantCulture, out index) || index < 0))
        )
        {
            throw new UserErrorException($"expected a device cpu, cuda or cuda:0, got \"{name}\"");
        }

        int devices = CudaDevices;
        if (devices == 0)
        {
            throw new UserErrorException(
                $"{name} needs LibTorch with CUDA: set {FolderVariable} to the folder torch/lib of an installed "
                    + "PyTorch, or reference a package TorchSharp-cuda in place of libtorch-cpu"
            );
        }

        return index < devices
            ? new torch.Device(DeviceType.CUDA, index)
            : throw new UserErrorException($"expected a device below cuda:{devices}, got \"{name}\"");
    }

    // Without this, TorchSharp searches for its library itself, and if it finds none that loads, copies half a gigabyte
    // of packages.
    [ModuleInitializer]
    [System.Diagnostics.CodeAnalysis.SuppressMessage(
        "Usage",
        "CA2255",
        Justification = "The only moment that is before any use of TorchSharp."
    )]
    internal static void Register()
    {
        AssemblyLoadContext.Default.ResolvingUnmanagedDll += (_, name) => name == Wrapper ? s_wrapper.Value : 0;
        AppDomain.CurrentDomain.AssemblyLoad += (_, loaded) => Prepare(loaded.LoadedAssembly);
        foreach (Assembly assembly in AppDomain.CurrentDomain.GetAssemblies())
            Prepare(assembly);
    }

    private static void Prepare(Assembly assembly)
    {
        if (assembly.GetName().Name != "TorchSharp")
            return;
        NativeLibrary.SetDllImportResolver(assembly, (name, _, _) => name == Wrapper ? s_wrapper.Value : 0);
    }

    private static nint LoadAll()
    {
        SetEnvironment();
        string? named = Environment.GetEnvironmentVariable(FolderVariable);
        string beside = NativesBesideProgram();
        Folder = string.IsNullOrEmpty(named) ? beside : named;
        Way = string.IsNullOrEmpty(named) ? "beside the program" : $"named by {FolderVariable}";
        if (!File.Exists(Path.Combine(Folder, FileName("torch_cpu"))))
        {
            throw new TorchNotFoundException(
                string.IsNullOrEmpty(named)
                    ? $"LibTorch was expected beside the program, and '{Folder}' lacks {FileName("torch_cpu")}: add "
                        + "the package libtorch-cpu-linux-x64, -win-x64 or -osx-arm64, version 2.10.0, to the "
                        + $"project (./parry builds with it), or set {FolderVariable} to the folder of "
                        + "an unpacked LibTorch 2.10"
                    : $"{FolderVariable} is '{named}', which lacks {FileName("torch_cpu")}: name the folder with "
                        + "LibTorch's libraries, or unset it to use the one beside the program"
            );
        }

        string[] order = HasCuda(Folder)
            ? ["c10", "c10_cuda", "torch_cpu", "torch_cuda", "torch"]
            : ["c10", "torch_cpu", "torch"];
        foreach (string library in order)
        {
            nint loaded = LoadFile(Path.Combine(Folder, FileName(library)));
            if (library == "c10")
                SilenceWarnings(loaded);
        }

        string wrapper = Path.Combine(beside, FileName(Wrapper));
        if (!OperatingSystem.IsLinux() || !VersionNeed.IsMissingFrom(wrapper))
            return LoadFile(wrapper);
        Way += $", with TorchSharp's need of {VersionNeed.Name} marked weak";
        return LoadFile(VersionNeed.WeakCopy(wrapper));
    }

    private static nint LoadFile(string path)
    {
        try
        {
            return NativeLibrary.Load(path);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            string reason =
                e.Message.Split('\n')
                    .Select(line => line.Trim())
                    .FirstOrDefault(line => line.Contains(Path.GetFileName(path), StringComparison.Ordinal))
                ?? e.Message;
            throw new TorchNotFoundException(
                $"LibTorch could not be loaded ({reason}): build again, or set {FolderVariable} to the folder of an "
                    + "unpacked LibTorch 2.10",
                e
            );
        }
    }

    // LibTorch writes warnings to stderr that users cannot act on, such as the one about the cycle between a parameter
    // and its gradient, which Autograd removes.
    private static void SilenceWarnings(nint c10)
    {
        const int OnlyErrors = 2;
        if (NativeLibrary.TryGetExport(c10, "FLAGS_caffe2_log_level", out nint level))
            Marshal.WriteInt32(level, OnlyErrors);
    }

    private static bool HasCuda(string folder) => File.Exists(Path.Combine(folder, FileName("torch_cuda")));

    private static string NativesBesideProgram()
    {
        string program = AppContext.BaseDirectory;
        string system =
            OperatingSystem.IsWindows() ? "win"
            : OperatingSystem.IsMacOS() ? "osx"
            : "linux";
        string architecture = RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();
        string package = Path.Combine(program, "runtimes", $"{system}-{architecture}", "native");
        return File.Exists(Path.Combine(program, FileName(Wrapper))) || !Directory.Exists(package) ? program : package;
    }

    internal static string FileName(string library) =>
        OperatingSystem.IsWindows() ? $"{library}.dll"
        : OperatingSystem.IsMacOS() ? $"lib{library}.dylib"
        : $"lib{library}.so";

    private static void SetEnvironment()
    {
        if (!OperatingSystem.IsLinux())
            return;

        // C reads these at load time and does not see Environment.SetEnvironmentVariable. Each worker uses one thread.
        _ = setenv("OMP_NUM_THREADS", "1", 0);
        _ = setenv("OMP_WAIT_POLICY", "passive", 0);

        // By default the C library returns the memory of freed tensors to the system immediately, and zeroing new pages
        // then costs several times as much as a convolution. So it is kept: one arena for all threads, large blocks
        // from the heap, and no trimming.
        _ = mallopt(ArenaMax, 1);
        _ = mallopt(MmapThreshold, 1 << 30);
        _ = mallopt(TrimThreshold, int.MaxValue);
    }

    [LibraryImport("libc")]
    private static partial int mallopt(int parameter, int value);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int setenv(string name, string value, int overwrite);
}
