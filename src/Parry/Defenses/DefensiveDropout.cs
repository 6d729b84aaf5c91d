using Parry.Models;
using Parry.Models.Architectures.Layers;
using Parry.Options;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Parry.Defenses;

/// <summary>
/// Defensive dropout (Wang, Wang, Zhao, Wen, Kaeli, Chin, Lin, 2018, 1809.05165): dropout stays on while a network
/// answers, so that an attacker does not know which units do. Published experiments also do this by mistake, where they
/// forget PyTorch's <c>model.eval()</c>.
/// </summary>
/// <remarks>
/// Units are dropped as often as in training; the paper also tries other rates. Each call makes new draws, separately
/// for each sample.
/// </remarks>
public sealed class DefensiveDropout : ClassifierWrapper
{
    private readonly nn.Module<Tensor, Tensor>[] _layers;
    private readonly CallDraws _random;

    /// <summary>Wraps a classifier.</summary>
    /// <param name="model">A chain of layers, some of them dropout.</param>
    /// <param name="seed">Decides what is dropped.</param>
    /// <exception cref="UserErrorException">The classifier has no dropout.</exception>
    public DefensiveDropout(IClassifier model, long seed)
        : base(model)
    {
        _layers =
        [
            .. (model as ILayered)?.Network is Sequential chain
                ? chain.children().Cast<nn.Module<Tensor, Tensor>>()
                : [],
        ];
        if (!_layers.Any(layer => layer is SeededDropout))
            throw new UserErrorException(
                "the defense dropout needs a network with dropout that Parry trained, such as mnist/a, got one "
                    + "without: give another --model"
            );
        _random = new CallDraws(seed);
    }

    /// <inheritdoc/>
    public override Tensor Logits(Images images)
    {
        using var scope = NewDisposeScope();
        SampleRandom random = _random.Next(images);
        Tensor values = images.Pixels;
        int missing = images.Count == 0 ? 0 : Math.Max(0, SmallBatches.Least - images.Count);
        if (missing > 0)
        {
            values = cat([values, values.slice(0, 0, 1, 1).detach().expand([missing, -1, -1, -1])]);
            random = random.For(
                (long[])[.. images.Samples.Span, .. Enumerable.Repeat(images.Samples.Span[0], missing)]
            );
        }

        for (int i = 0; i < _layers.Length; i++)
            values = _layers[i] is SeededDropout dropout ? dropout.Drop(values, random, i) : _layers[i].forward(values);
        return scope.MoveToOuter(values.slice(0, 0, images.Count, 1));
    }
}

/// <summary>The options of <see cref="DefensiveDropout"/>.</summary>
public sealed record DefensiveDropoutSettings : IDefenseSettings
{
    /// <summary>Draws over which the attacker averages a gradient.</summary>
    [Option("draws", "draws the attacker averages a gradient over", Min = 1)]
    public int Draws { get; init; } = 10;

    /// <inheritdoc/>
    public DefenseSpec Create(DefenseContext context)
    {
        var copy = new DefensiveDropout(context.Evaluated, seed: 2);
        return new DefenseSpec
        {
            Name = "dropout",
            Classifier = new DefensiveDropout(context.Evaluated, seed: 1),
            AttackersClassifier = new ExpectationOverTransformation(copy, Draws, seed: 2),
        };
    }
}
