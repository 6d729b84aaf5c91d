using System.Runtime.InteropServices;
using Parry.Models.Architectures.Layers;
using Parry.Runtime;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Parry.Models;

/// <summary>
/// Your own TorchSharp module as a classifier, for every attack, purifier and evaluation. While in use, the module is
/// in evaluation mode and its parameters are frozen; afterwards, also after an exception, both are restored. The caller
/// keeps owning the module.
/// </summary>
/// <param name="module">From images [N, C, H, W], float32 in [0, 1], to logits [N, classes]; the module does its own
/// normalization. Several threads call it at once.</param>
/// <param name="shape">The shape of the images.</param>
/// <param name="classes">The number of classes.</param>
/// <param name="channelsLast">Whether to pass images with the channels innermost in memory, which makes convolutions
/// about twice as fast; a module that calls <c>view</c> on a convolution's output needs contiguous images.</param>
public sealed class ModuleClassifier(
    nn.Module<Tensor, Tensor> module,
    ImageShape shape,
    int classes,
    bool channelsLast = false
) : IClassifier
{
    static ModuleClassifier() => TorchLibrary.Load();

    /// <inheritdoc/>
    public ImageShape Shape { get; } = shape;

    /// <inheritdoc/>
    public int Classes { get; } = classes;

    /// <inheritdoc/>
    /// <exception cref="UserErrorException">The module refuses the images, or its output is not logits of that many
    /// classes.</exception>
    public Tensor Logits(Images images)
    {
        Tensor pixels = images.Pixels;
        using var scope = NewDisposeScope();
        Tensor logits;
        try
        {
            logits = SmallBatches.Run(
                pixels,
                filled => module.call(channelsLast ? ChannelsLast.Of(filled) : filled.contiguous())
            );
        }
        catch (Exception e) when (e is ExternalException or ArgumentException)
        {
            throw new UserErrorException(
                $"the module {module.GetName()} does not accept {pixels.Describe()}: {TorchErrors.FirstLine(e)}",
                e
            );
        }

        if (
            logits.shape.Length != 2
            || logits.size(0) != pixels.size(0)
            || logits.size(1) != Classes
            || !logits.is_floating_point()
        )
        {
            throw new UserErrorException(
                $"the module {module.GetName()} returns {logits.Describe()} for {pixels.Describe()}; expected "
                    + $"logits Float32[{pixels.size(0)}, {Classes}]"
            );
        }

        return scope.MoveToOuter(logits);
    }

    /// <inheritdoc/>
    public Jacobian Jacobian(Images images, int count, Func<Tensor, Tensor> losses) =>
        GradientPass.OfEach(this, images, losses);

    /// <inheritdoc/>
    public IDisposable EnterEvaluation() => new Evaluation(module);

    private sealed class Evaluation : IDisposable
    {
        private readonly List<(nn.Module Module, bool Training)> _modes;
        private readonly List<Parameter> _followed;

        public Evaluation(nn.Module module)
        {
            _modes = [.. module.modules().Prepend(module).Select(part => (part, part.training))];
            _followed = [.. module.parameters().Where(parameter => parameter.requires_grad)];
            module.eval();
            foreach (Parameter parameter in _followed)
                parameter.requires_grad = false;
        }

        public void Dispose()
        {
            // Outermost first: a module sets the mode of its children too, which then get their own back.
            foreach (var (module, training) in _modes)
                module.train(training);
            foreach (Parameter parameter in _followed)
                parameter.requires_grad = true;
        }
    }
}
