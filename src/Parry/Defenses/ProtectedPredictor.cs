using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Defenses;

/// <summary>
/// A model without gradients behind a purifier. Every call purifies anew, with draws that belong to the samples, unless
/// the draws are known.
/// </summary>
internal class ProtectedPredictor : IPredictor, IPerSample
{
    private readonly IPurifier _purifier;
    private readonly IPredictor _model;
    private readonly CallDraws _random;

    private ProtectedPredictor(IPurifier purifier, IPredictor model, CallDraws random) =>
        (_purifier, _model, _random) = (purifier, model, random);

    public ImageShape Shape => _model.Shape;

    public int Classes => _model.Classes;

    /// <summary>The model behind the purifier: an <see cref="IScorer"/> if the model is one.</summary>
    public static ProtectedPredictor Of(IPurifier purifier, IPredictor model, CallDraws random) =>
        model is IScorer scorer
            ? new Scorer(purifier, scorer, random)
            : new ProtectedPredictor(purifier, model, random);

    public Tensor Predict(Tensor images) => Asked(images, _model.Predict);

    public IPredictor For(ReadOnlyMemory<long> samples) => Of(_purifier, _model.For(samples), _random.For(samples));

    public IDisposable? EnterEvaluation() => _model.EnterEvaluation();

    private Tensor Asked(Tensor images, Func<Tensor, Tensor> ask)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(ask(_purifier.Purify(images.detach(), _random.Next(images)).Images));
    }

    private sealed class Scorer(IPurifier purifier, IScorer model, CallDraws random)
        : ProtectedPredictor(purifier, model, random),
            IScorer
    {
        public Tensor Probabilities(Tensor images) => Asked(images, model.Probabilities);
    }
}
