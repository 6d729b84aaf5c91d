using static TorchSharp.torch;

namespace Parry.Models.Architectures.Layers;

/// <summary>The sum of a body and a shortcut around it (He et al., 2015, 1512.03385).</summary>
internal sealed class Residual : Network
{
    private readonly nn.Module<Tensor, Tensor>? _before;
    private readonly nn.Module<Tensor, Tensor>? _shortcut;
    private readonly nn.Module<Tensor, Tensor> _body;

    /// <param name="body">Maps the input to a map of features.</param>
    /// <param name="shortcut">Maps the input to the same shape as the body's output; null for the input itself.</param>
    /// <param name="before">Applied to the input of both; null for nothing.</param>
    public Residual(
        nn.Module<Tensor, Tensor> body,
        nn.Module<Tensor, Tensor>? shortcut,
        nn.Module<Tensor, Tensor>? before = null
    )
    {
        if (before is not null)
            _before = Child("before", before);
        _body = Child("body", body);
        if (shortcut is not null)
            _shortcut = Child("shortcut", shortcut);
    }

    public override Tensor forward(Tensor input)
    {
        using Tensor seen = _before?.forward(input) ?? input.view_as(input);
        using Tensor added = _body.forward(seen);
        using Tensor? around = _shortcut?.forward(seen);
        return added + (around ?? seen);
    }

    public override string ToString() => $"Residual({_body}{(_shortcut is null ? "" : $", shortcut {_shortcut}")})";
}
