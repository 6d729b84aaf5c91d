using Parry.Torch.Interop;

namespace Parry.Torch;

/// <summary>A random generator with its own seed and state: every random draw in Parry names the one it comes from.</summary>
public sealed unsafe class Generator : IDisposable
{
    /// <summary>Creates a generator.</summary>
    public Generator(long seed, Device? device = null)
    {
        _ = Loader.Info;
        nint made;
        NativeError error = default;
        Loader.Check(NativeMethods.parry_generator_new((device ?? Device.Cpu).Code, seed, &made, &error), error, "make a random generator");
        Handle = new GeneratorHandle(made);
    }

    internal GeneratorHandle Handle { get; }

    /// <summary>Its state, as a byte tensor that <see cref="Restore"/> takes back.</summary>
    public Tensor State()
    {
        nint state;
        NativeError error = default;
        Loader.Check(NativeMethods.parry_generator_get_state(Handle, &state, &error), error, "read a random generator's state");
        return new Tensor(state);
    }

    /// <summary>Continues from a state.</summary>
    /// <exception cref="TorchException">The state is not one of this kind of generator.</exception>
    public void Restore(Tensor state)
    {
        NativeError error = default;
        Loader.Check(NativeMethods.parry_generator_set_state(Handle, state.Handle, &error), error, $"restore a random generator from {state.Describe()}");
    }

    /// <summary>Frees the native generator.</summary>
    public void Dispose() => Handle.Dispose();
}
