using Parry.Torch;
using Parry.Torch.Nn;

namespace Parry.Models.Architectures;

/// <summary>The sum of a body and a shortcut around it (He et al., 2015, 1512.03385).</summary>
internal sealed class Residual : Module
{
    private readonly Module? _before, _shortcut;
    private readonly Module _body;

    /// <param name="body">From the input to a map.</param>
    /// <param name="shortcut">From the input to a map of the same shape; the input itself if null.</param>
    /// <param name="before">What both see instead of the input; nothing if null.</param>
    public Residual(Module body, Module? shortcut, Module? before = null)
    {
        if (before is not null) _before = Child("before", before);
        _body = Child("body", body);
        if (shortcut is not null) _shortcut = Child("shortcut", shortcut);
    }

    public override Tensor Forward(Tensor input)
    {
        using Tensor seen = _before?.Forward(input) ?? input.Alias();
        using Tensor added = _body.Forward(seen);
        using Tensor? around = _shortcut?.Forward(seen);
        return added.Add(around ?? seen);
    }

    public override string ToString() => $"Residual({_body}{(_shortcut is null ? "" : $", shortcut {_shortcut}")})";
}
