using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Defenses;

/// <summary>
/// A model without gradients behind a purifier. Every call purifies with fresh draws that belong to the samples, unless
/// fixed draws were given.
/// </summary>
internal class ProtectedPredictor : IPredictor
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

    public Tensor Predict(Images images) => Ask(_model.Predict, images);

    public IDisposable? EnterEvaluation() => _model.EnterEvaluation();

    private Tensor Ask(Func<Images, Tensor> model, Images images)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor purified = _purifier.Purify(images.Pixels.detach(), _random.Next(images)).Images;
        return scope.MoveToOuter(model(images.With(purified)));
    }

    private sealed class Scorer(IPurifier purifier, IScorer model, CallDraws random)
        : ProtectedPredictor(purifier, model, random),
            IScorer
    {
        public Tensor Probabilities(Images images) => Ask(model.Probabilities, images);
    }
}
