using System.Runtime.InteropServices;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Models.TorchScript;

/// <summary>A TorchScript module read from a file, in evaluation mode and with frozen weights.</summary>
internal sealed class ScriptedNetwork : IDisposable
{
    private readonly jit.ScriptModule _module;
    private readonly string _path;
    private readonly int? _classes;
    private readonly IReadOnlyList<string> _fields;
    private readonly string? _output;
    private int? _place;

    private ScriptedNetwork(
        jit.ScriptModule module,
        string path,
        int? classes,
        IReadOnlyList<string> fields,
        string? output
    )
    {
        (_module, _path, _classes, _fields, _output) = (module, path, classes, fields, output);
        ScalarType[] types =
        [
            .. module
                .named_parameters()
                .Select(weight => weight.parameter)
                .Where(IsReal)
                .Select(weight => weight.dtype),
        ];
        Type = types.Length > 0 && Array.TrueForAll(types, type => type == types[0]) ? types[0] : ScalarType.Float32;
    }

    /// <summary>The type of its weights, in which it computes.</summary>
    public ScalarType Type { get; }

    /// <summary>The outputs among which one can choose, for messages; empty before it ran, or if there is
    /// one.</summary>
    public string Choices { get; private set; } = "";

    /// <summary>Whether it takes only one image at a time.</summary>
    public bool IsSingle { get; set; }

    /// <summary>Loads a module.</summary>
    /// <param name="path">The file.</param>
    /// <param name="classes">The number of classes, to find the scores of a module that returns several tensors; null
    /// if it is not known.</param>
    /// <param name="fields">The names of the tensors that it returns; null if they have none.</param>
    /// <param name="output">The place or name of the tensor with the scores; null to find it.</param>
    /// <exception cref="FileNotFoundException">The file does not exist.</exception>
    /// <exception cref="TorchException">The file is not TorchScript, or uses operators that this LibTorch
    /// lacks.</exception>
    public static ScriptedNetwork Load(
        string path,
        int? classes = null,
        IReadOnlyList<string>? fields = null,
        string? output = null
    )
    {
        if (!File.Exists(path))
            throw new FileNotFoundException($"There is no TorchScript file '{path}'.", path);
        TorchLibrary.Load();
        try
        {
            jit.ScriptModule module = jit.load(path, get_default_device());
#pragma warning disable RS0030 // It fails only for a module that does not load.
            module.eval();
#pragma warning restore RS0030
            foreach (var (_, parameter) in module.named_parameters())
                parameter.requires_grad_(false);
            return new ScriptedNetwork(module, path, classes, fields ?? [], output);
        }
        catch (ExternalException e)
        {
            throw new TorchException($"Cannot load the TorchScript file '{path}': {TorchErrors.FirstLine(e)}", e);
        }
    }

    /// <summary>
    /// Runs the module on one tensor and returns its one tensor, or of several the scores; recorded by autograd unless
    /// that is off.
    /// </summary>
    /// <exception cref="TorchException">The module refused the input.</exception>
    /// <exception cref="InvalidDataException">Its result is not a tensor, or several without scores that could be
    /// told.</exception>
    public Tensor Forward(Tensor input)
    {
        if (!IsSingle || input.size(0) == 1)
            return ForwardWhole(input);
        return cat([.. input.split(1).Select(ForwardWhole)]);
    }

    /// <summary>The names of its parameters and buffers with their shapes.</summary>
    public IReadOnlyList<(string Name, long[] Shape)> Weights() =>
        [
            .. _module.named_parameters().Select(weight => (weight.name, weight.parameter.shape)),
            .. _module.named_buffers().Select(weight => (weight.name, weight.buffer.shape)),
        ];

    /// <summary>Frees the native module.</summary>
    public void Dispose() => _module.Dispose();

    private Tensor ForwardWhole(Tensor input)
    {
        try
        {
            Tensor taken = Type == ScalarType.Float32 ? input : input.to(Type);
            object? result = _module.forward(taken);
            if (result is Tensor one && _output is null)
                return one;
            var outputs = new TorchScriptScores(result, _fields);
            if (_place is null || _place >= outputs.Tensors.Count)
            {
                _place = outputs.Find(input.size(0), _classes, _output);
                Choices = outputs.Choices;
            }

            return outputs.Tensors[_place.Value];
        }
        catch (ExternalException e)
        {
            throw new TorchException(
                $"Cannot run the TorchScript file '{_path}' on {input.Describe()}: {TorchErrors.FirstLine(e)}",
                e
            );
        }
        catch (Exception e) when (e is InvalidCastException or ArgumentOutOfRangeException or NotImplementedException)
        {
            // TorchSharp's errors for unknown kinds of results.
            throw new InvalidDataException(
                "it returns something other than tensors: export a module whose forward returns only the scores",
                e
            );
        }
    }

    private static bool IsReal(Tensor weight) => weight.is_floating_point();
}
