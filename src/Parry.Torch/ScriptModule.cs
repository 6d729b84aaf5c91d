using System.Runtime.InteropServices;
using System.Text;
using Parry.Torch.Interop;

namespace Parry.Torch;

/// <summary>A TorchScript module read from a file, in evaluation mode and with frozen weights.</summary>
public sealed unsafe class ScriptModule : IDisposable
{
    private readonly ScriptHandle _handle;

    private ScriptModule(nint pointer, string path)
    {
        _handle = new ScriptHandle(pointer);
        Path = path;
    }

    /// <summary>The file it came from.</summary>
    public string Path { get; }

    /// <summary>Loads a module.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="TorchException">The file is not TorchScript, or uses operators this LibTorch lacks.</exception>
    public static ScriptModule Load(string path, Device? device = null)
    {
        if (!File.Exists(path)) throw new FileNotFoundException($"There is no TorchScript file '{path}'.", path);
        _ = Loader.Info;
        nint loaded;
        NativeError error = default;
        fixed (byte* name = Encoding.UTF8.GetBytes(path + '\0'))
        {
            Loader.Check(NativeMethods.parry_script_load(name, (device ?? Device.Cpu).Code, &loaded, &error), error, $"load the TorchScript file '{path}'");
        }

        return new ScriptModule(loaded, path);
    }

    /// <summary>Runs the module on one tensor for its one tensor result; recorded by autograd unless that is off.</summary>
    /// <exception cref="TorchException">The module refused the input or returned something else than a tensor.</exception>
    public Tensor Forward(Tensor input)
    {
        nint output;
        NativeError error = default;
        Loader.Check(NativeMethods.parry_script_forward(_handle, input.Handle, Autograd.Enabled ? 0 : 1, &output, &error), error,
            $"run the TorchScript file '{Path}' on {input.Describe()}");
        return new Tensor(output);
    }

    /// <summary>The names of its parameters and buffers with their shapes, in the module's order.</summary>
    public IReadOnlyList<(string Name, long[] Shape)> Weights()
    {
        const int Capacity = 1024;
        byte* name = stackalloc byte[Capacity];
        var weights = new List<(string, long[])>();
        while (true)
        {
            nint tensor;
            NativeError error = default;
            Loader.Check(NativeMethods.parry_script_weight(_handle, weights.Count, name, Capacity, &tensor, &error), error, $"look into the TorchScript file '{Path}'");
            if (tensor == 0) return weights;
            using var weight = new Tensor(tensor);
            weights.Add((Marshal.PtrToStringUTF8((nint)name)!, weight.Shape));
        }
    }

    /// <summary>Frees the native module.</summary>
    public void Dispose() => _handle.Dispose();
}
