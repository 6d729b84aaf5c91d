using Parry.Models;
using Parry.Torch;
using Parry.Torch.Nn;

namespace Parry.Attacks;

/// <summary>
/// Counts what an attack really asks of a model, per sample: forward passes (queries) and backward passes (gradients). It also refuses images outside
/// the box, which no honest query has.
/// </summary>
public sealed class Meter
{
    private readonly long[] _queries;
    private readonly long[] _gradients;
    private readonly long _first;

    /// <summary>Creates a meter for that many samples, numbered from the first on.</summary>
    public Meter(int samples, long first = 0)
    {
        _first = first;
        _queries = new long[samples];
        _gradients = new long[samples];
    }

    /// <summary>Forward passes of each sample, in order.</summary>
    public IReadOnlyList<long> Queries => _queries;

    /// <summary>Backward passes of each sample, in order.</summary>
    public IReadOnlyList<long> Gradients => _gradients;

    /// <summary>The model with this meter around it, for rows that are these samples.</summary>
    public TModel Around<TModel>(TModel model, ReadOnlyMemory<long> samples) where TModel : IPredictor
    {
        IPredictor metered = model switch
        {
            IClassifier classifier => new Classifier(this, classifier, samples),
            IScorer scorer => new Scorer(this, scorer, samples),
            _ => new Predictor(this, model, samples),
        };
        return (TModel)metered;
    }

    private static void Check(Tensor images)
    {
        using var scope = new TensorScope();
        Tensor values = images.Detach();
        long[] all = [0, 1, 2, 3];
        double low = values.Amin(all).ToDouble(), high = values.Amax(all).ToDouble();
        if (!(low >= -1e-6 && high <= 1 + 1e-6))
            throw new InvalidOperationException($"The attack showed the model values in [{low}, {high}]; images stay in [0, 1].");
    }

    private void Count(long[] counts, Tensor images, ReadOnlyMemory<long> samples)
    {
        Check(images);
        long rows = images.Size(0);
        if (rows % samples.Length != 0)
            throw new InvalidOperationException($"A batch of {rows} rows came where {samples.Length} samples were announced: call model.For(samples) when samples leave.");
        long each = rows / samples.Length;
        foreach (long sample in samples.Span) counts[sample - _first] += each;
    }

    private class Predictor(Meter meter, IPredictor model, ReadOnlyMemory<long> samples) : IPredictor, IPerSample
    {
        protected Meter Meter => meter;

        public ImageShape Shape => model.Shape;

        public int Classes => model.Classes;

        public Tensor Predict(Tensor images)
        {
            Query(images);
            return model.Predict(images);
        }

        public IPredictor For(ReadOnlyMemory<long> rows) => meter.Around(model.For(rows), rows);

        public IDisposable? EnterEvaluation() => model.EnterEvaluation();

        protected void Query(Tensor images) => meter.Count(meter._queries, images, samples);

        protected void Differentiate(Tensor images) => meter.Count(meter._gradients, images, samples);
    }

    private class Scorer(Meter meter, IScorer model, ReadOnlyMemory<long> samples) : Predictor(meter, model, samples), IScorer
    {
        public Tensor Probabilities(Tensor images)
        {
            Query(images);
            return model.Probabilities(images);
        }
    }

    private sealed class Classifier(Meter meter, IClassifier model, ReadOnlyMemory<long> samples) : Scorer(meter, model, samples), IClassifier, ILayered
    {
        public Module? Network => (model as ILayered)?.Network;

        public Tensor Logits(Tensor images)
        {
            Query(images);
            return model.Logits(images);
        }

        public LossGradient Gradient(Tensor images, Func<Tensor, Tensor> loss)
        {
            Query(images);
            Differentiate(images);
            return model.Gradient(images, loss);
        }
    }
}
