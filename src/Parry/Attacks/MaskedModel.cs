using Parry.Attacks.Building;
using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Attacks;

/// <summary>
/// A model as an attack with a mask sees it: it takes the pixels that may change, and shows the model the whole images.
/// </summary>
/// <param name="mask">The mask.</param>
/// <param name="clean">The whole images, whose other pixels stay.</param>
internal sealed class MaskedModel(PixelMask mask, Batch clean)
{
    private readonly Dictionary<long, long> _rowOf = Rows.All(clean.Count)
        .ToDictionary(row => clean.Samples.Span[(int)row]);

    /// <summary>The model as it is seen.</summary>
    public TModel Around<TModel>(TModel model)
        where TModel : IPredictor
    {
        IPredictor masked = model switch
        {
            IClassifier classifier => new Classifier(this, classifier),
            IScorer scorer => new Scorer(this, scorer),
            _ => new Predictor(this, model),
        };
        return (TModel)masked;
    }

    private ImageShape Shape(IPredictor model) => mask.PackedShape(model.Shape);

    private Tensor Whole(Images packed, Tensor pixels)
    {
        long[] rows = Array.ConvertAll(packed.Samples.ToArray(), sample => _rowOf[sample]);
        return mask.Unpack(pixels, clean.Images.index_select(0, tensor(rows)));
    }

    private class Predictor(MaskedModel masked, IPredictor model) : IPredictor
    {
        public ImageShape Shape => masked.Shape(model);

        public int Classes => model.Classes;

        public Tensor Predict(Images images) => model.Predict(Whole(images));

        public IDisposable? EnterEvaluation() => model.EnterEvaluation();

        protected Images Whole(Images packed) => packed.With(Whole(packed, packed.Pixels));

        protected Tensor Whole(Images packed, Tensor pixels) => masked.Whole(packed, pixels);
    }

    private class Scorer(MaskedModel masked, IScorer model) : Predictor(masked, model), IScorer
    {
        public Tensor Probabilities(Images images) => model.Probabilities(Whole(images));
    }

    private sealed class Classifier(MaskedModel masked, IClassifier model) : Scorer(masked, model), IClassifier
    {
        public Tensor Logits(Images images) => model.Logits(Whole(images));

        public LossGradient Gradient(Images images, Func<Tensor, Tensor> loss) =>
            model.GradientThrough(images, images.Pixels, pixels => Whole(images, pixels), loss);
    }
}
