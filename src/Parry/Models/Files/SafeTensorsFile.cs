using Parry.Models.Architectures;
using static TorchSharp.torch;

namespace Parry.Models.Files;

/// <summary>The content of a safetensors file: tensors by name, which this object owns, and string metadata.</summary>
public sealed record SafeTensorsFile(
    IReadOnlyDictionary<string, Tensor> Tensors,
    IReadOnlyDictionary<string, string> Metadata
) : IDisposable
{
    /// <summary>Returns the tensors under a path, such as <c>optimizer.</c>, by the rest of their names.</summary>
    public IReadOnlyDictionary<string, Tensor> Under(string prefix) => Tensors.Under(prefix);

    /// <summary>Frees the tensors.</summary>
    public void Dispose()
    {
        foreach (Tensor tensor in Tensors.Values)
            tensor.Dispose();
    }
}
