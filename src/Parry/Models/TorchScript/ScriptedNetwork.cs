using TorchSharp;
using static TorchSharp.torch;

namespace Parry.Models.TorchScript;

/// <summary>A TorchScript module read from a file, in evaluation mode and with frozen weights.</summary>
internal sealed class ScriptedNetwork : IDisposable
{
    private readonly jit.ScriptModule<Tensor, Tensor> _module;

    private ScriptedNetwork(jit.ScriptModule<Tensor, Tensor> module) => _module = module;

    /// <summary>Loads a module.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public static ScriptedNetwork Load(string path)
    {
        if (!File.Exists(path)) throw new FileNotFoundException($"There is no TorchScript file '{path}'.", path);
        jit.ScriptModule<Tensor, Tensor> module = jit.load<Tensor, Tensor>(path);
        module.eval();
        foreach (var (_, parameter) in module.named_parameters()) parameter.requires_grad_(false);
        return new ScriptedNetwork(module);
    }

    /// <summary>Runs the module on one tensor for its one tensor result; recorded by autograd unless that is off.</summary>
    public Tensor Forward(Tensor input) => _module.forward(input);

    /// <summary>The names of its parameters and buffers with their shapes.</summary>
    public IReadOnlyList<(string Name, long[] Shape)> Weights() =>
    [
        .. _module.named_parameters().Select(weight => (weight.name, weight.parameter.shape)),
        .. _module.named_buffers().Select(weight => (weight.name, weight.buffer.shape)),
    ];

    /// <summary>Frees the native module.</summary>
    public void Dispose() => _module.Dispose();
}
