using Parry.Torch;

namespace Parry.Models;

/// <summary>A TorchScript file as a classifier: it takes images in [0, 1] and returns logits. It owns the module.</summary>
public sealed class ScriptClassifier(ScriptModule module, ImageShape shape, int classes) : IClassifier, IDisposable
{
    /// <inheritdoc/>
    public ImageShape Shape { get; } = shape;

    /// <inheritdoc/>
    public int Classes { get; } = classes;

    /// <inheritdoc/>
    public Tensor Logits(Tensor images) => module.Forward(images);

    /// <summary>Frees the module.</summary>
    public void Dispose() => module.Dispose();
}
