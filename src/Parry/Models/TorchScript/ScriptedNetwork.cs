using System.Runtime.InteropServices;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Models.TorchScript;

/// <summary>A TorchScript module read from a file, in evaluation mode and with frozen weights.</summary>
internal sealed class ScriptedNetwork : IDisposable
{
    private readonly jit.ScriptModule<Tensor, Tensor> _module;
    private readonly string _path;

    private ScriptedNetwork(jit.ScriptModule<Tensor, Tensor> module, string path) => (_module, _path) = (module, path);

    /// <summary>Loads a module.</summary>
    /// <exception cref="FileNotFoundException">The file does not exist.</exception>
    /// <exception cref="TorchException">The file is not TorchScript, or uses operators that this LibTorch
    /// lacks.</exception>
    public static ScriptedNetwork Load(string path)
    {
        if (!File.Exists(path))
            throw new FileNotFoundException($"There is no TorchScript file '{path}'.", path);
        try
        {
            jit.ScriptModule<Tensor, Tensor> module = jit.load<Tensor, Tensor>(path, get_default_device());
#pragma warning disable RS0030 // It fails only for a module that does not load.
            module.eval();
#pragma warning restore RS0030
            foreach (var (_, parameter) in module.named_parameters())
                parameter.requires_grad_(false);
            return new ScriptedNetwork(module, path);
        }
        catch (ExternalException e)
        {
            throw new TorchException($"Cannot load the TorchScript file '{path}': {TorchErrors.FirstLine(e)}", e);
        }
    }

    /// <summary>
    /// Runs the module on one tensor and returns its one tensor; recorded by autograd unless that is off.
    /// </summary>
    /// <exception cref="TorchException">The module refused the input.</exception>
    /// <exception cref="InvalidDataException">Its result is not a tensor.</exception>
    public Tensor Forward(Tensor input)
    {
        try
        {
            return _module.forward(input) ?? throw NoTensor("nothing");
        }
        catch (ExternalException e)
        {
            throw new TorchException(
                $"Cannot run the TorchScript file '{_path}' on {input.Describe()}: {TorchErrors.FirstLine(e)}",
                e
            );
        }
        catch (InvalidCastException)
        {
            throw NoTensor("a tuple, a list or a number");
        }
        catch (ArgumentOutOfRangeException)
        {
            // TorchSharp's error for unknown kinds of results.
            throw NoTensor("a dictionary, a text or an object");
        }
    }

    private static InvalidDataException NoTensor(string given) =>
        new($"it returns {given}; expected one tensor of scores: let forward return only the scores");

    /// <summary>The names of its parameters and buffers with their shapes.</summary>
    public IReadOnlyList<(string Name, long[] Shape)> Weights() =>
        [
            .. _module.named_parameters().Select(weight => (weight.name, weight.parameter.shape)),
            .. _module.named_buffers().Select(weight => (weight.name, weight.buffer.shape)),
        ];

    /// <summary>Frees the native module.</summary>
    public void Dispose() => _module.Dispose();
}
