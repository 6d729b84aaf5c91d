using Parry.Attacks.Steps;
using Parry.Models;
using Parry.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Parry.Attacks;

/// <summary>
/// Counts what an attack really asks of a model, per sample: forward passes (queries) and backward passes (gradients).
/// It refuses images outside the box, which no honest query has, and passes beyond a limit, if there is one.
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
    public TModel Around<TModel>(TModel model, ReadOnlyMemory<long> samples)
        where TModel : IPredictor => Around(model, samples, null);

    internal TModel Around<TModel>(TModel model, ReadOnlyMemory<long> samples, Allowance? allowance)
        where TModel : IPredictor
    {
        IPredictor metered = model switch
        {
            IClassifier classifier => new Classifier(this, classifier, samples, allowance),
            IScorer scorer => new Scorer(this, scorer, samples, allowance),
            _ => new Predictor(this, model, samples, allowance),
        };
        return (TModel)metered;
    }

    private static void Check(Tensor images)
    {
        using var scope = NewDisposeScope();
        Tensor values = images.detach();
        long[] all = [0, 1, 2, 3];
        double low = values.amin(all).ToDouble(),
            high = values.amax(all).ToDouble();
        if (!(low >= -1e-6 && high <= 1 + 1e-6))
            throw new InvalidOperationException(
                $"The attack showed the model values in [{low}, {high}]; images stay in [0, 1]."
            );
    }

    /// <summary>Counts the rows, and says which are within the allowance; null when all are.</summary>
    private long[]? Admit(Tensor images, ReadOnlySpan<long> samples, Allowance? allowance, bool differentiates)
    {
        Check(images);
        long rows = images.size(0);
        if (rows % samples.Length != 0)
            throw new InvalidOperationException(
                $"A batch of {rows} rows came where {samples.Length} samples were announced: call "
                    + $"model.For(samples) when samples leave."
            );
        long each = rows / samples.Length;
        List<long>? admitted = allowance is null ? null : [];
        for (int i = 0; i < samples.Length; i++)
        {
            long sample = samples[i] - _first;
            long granted =
                allowance?.Grant(samples[i], each, _queries[sample], _gradients[sample], differentiates) ?? each;
            _queries[sample] += granted;
            if (differentiates)
                _gradients[sample] += granted;
            for (long row = i * each; row < (i * each) + granted; row++)
                admitted?.Add(row);
            if (granted == each)
                continue;
            using Tensor next = images.slice(0, (i * each) + granted, (i * each) + granted + 1, 1);
            allowance!.Refuse(samples[i], next);
        }

        if (admitted is null || admitted.Count == rows)
            return null;
        return allowance!.IsSpent && admitted.Count == 0 ? throw new AllowanceSpentException() : [.. admitted];
    }

    private class Predictor(Meter meter, IPredictor model, ReadOnlyMemory<long> samples, Allowance? allowance)
        : IPredictor,
            IPerSample
    {
        public ImageShape Shape => model.Shape;

        public int Classes => model.Classes;

        public Tensor Predict(Tensor images) =>
            Ask(model, images, (known, shown) => known.Predict(shown), answer => answer, refused => refused);

        public IPredictor For(ReadOnlyMemory<long> rows) => meter.Around(model.For(rows), rows, allowance);

        public IDisposable? EnterEvaluation() => model.EnterEvaluation();

        // Answers for the admitted rows come from the model; the others get what reaches no goal.
        protected Tensor Ask<TModel>(
            TModel known,
            Tensor images,
            Func<TModel, Tensor, Tensor> ask,
            Func<Tensor, Tensor> predictions,
            Func<Tensor, Tensor> refusal
        )
            where TModel : IPredictor
        {
            if (Admitted(images, differentiates: false) is not { } admitted)
            {
                Tensor answer = ask(known, images);
                Saw(images, predictions, answer);
                return answer;
            }

            using var scope = NewDisposeScope();
            Tensor all = refusal(Refusals(images));
            if (admitted.Length == 0)
                return scope.MoveToOuter(all);
            Tensor shown = images.At(admitted),
                answers = ask(known.For(SamplesOf(images, admitted)), shown);
            Saw(shown, predictions, answers, admitted, images);
            return scope.MoveToOuter(all.index_copy(0, tensor(admitted), answers));
        }

        protected long[]? Admitted(Tensor images, bool differentiates) =>
            meter.Admit(images, samples.Span, allowance, differentiates);

        protected void Saw(
            Tensor shown,
            Func<Tensor, Tensor> predictions,
            Tensor answers,
            long[]? admitted = null,
            Tensor? images = null
        )
        {
            if (allowance is null)
                return;
            using var scope = NewDisposeScope();
            allowance.Saw(shown.detach(), predictions(answers.detach()), SamplesOf(images ?? shown, admitted));
        }

        protected Tensor Refusals(Tensor images) => allowance!.Refusals(SamplesOf(images, null), Classes);

        protected long[] SamplesOf(Tensor images, long[]? rows)
        {
            long each = images.size(0) / samples.Length;
            return [.. (rows ?? Rows.All(images.size(0))).Select(row => samples.Span[(int)(row / each)])];
        }
    }

    private class Scorer(Meter meter, IScorer model, ReadOnlyMemory<long> samples, Allowance? allowance)
        : Predictor(meter, model, samples, allowance),
            IScorer
    {
        public Tensor Probabilities(Tensor images) =>
            Ask(model, images, (known, shown) => known.Probabilities(shown), answer => answer.argmax(1), OneHot);

        protected Tensor OneHot(Tensor labels) =>
            zeros([labels.size(0), Classes]).ScatterValue(1, labels.unsqueeze(1), 1);
    }

    private sealed class Classifier(Meter meter, IClassifier model, ReadOnlyMemory<long> samples, Allowance? allowance)
        : Scorer(meter, model, samples, allowance),
            IClassifier,
            ILayered
    {
        public nn.Module<Tensor, Tensor>? Network => (model as ILayered)?.Network;

        public Tensor Logits(Tensor images) =>
            Ask(model, images, (known, shown) => known.Logits(shown), answer => answer.argmax(1), OneHot);

        public LossGradient Gradient(Tensor images, Func<Tensor, Tensor> loss)
        {
            if (Admitted(images, differentiates: true) is not { } admitted)
            {
                LossGradient pass = model.Gradient(images, loss);
                Saw(images, logits => logits.argmax(1), pass.Logits);
                return pass;
            }

            // The loss is one of all rows: it gets them all, those of the model in the places of the admitted.
            using var scope = NewDisposeScope();
            Tensor all = OneHot(Refusals(images)),
                gradient = zeros_like(images);
            if (admitted.Length > 0)
            {
                Tensor index = tensor(admitted),
                    shown = images.At(admitted);
                LossGradient pass = model
                    .For(SamplesOf(images, admitted))
                    .Gradient(shown, logits => loss(all.index_copy(0, index, logits)).index_select(0, index));
                Saw(shown, logits => logits.argmax(1), pass.Logits, admitted, images);
                (all, gradient) = (all.index_copy(0, index, pass.Logits), gradient.index_copy(0, index, pass.Gradient));
            }

            return new LossGradient(scope.MoveToOuter(all), scope.MoveToOuter(loss(all)), scope.MoveToOuter(gradient));
        }
    }
}
