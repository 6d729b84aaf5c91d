using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks;

/// <summary>
/// Counts what an attack really asks of a model, per sample: forward passes (queries) and backward passes (gradients).
/// It refuses images outside the box, which no honest query has, and passes beyond a limit, if there is one.
/// </summary>
public sealed class Meter
{
    private const double Tolerance = 1e-6;

    // A loss below those of points that have scores, and not so low that sums of it overflow.
    private const double Hopeless = -100;

    private static readonly long[] s_everything = [0, 1, 2, 3];

    private readonly long[] _queries;
    private readonly long[] _gradients;
    private readonly long _first;
    private readonly CancellationToken _cancellation;

    /// <summary>Creates a meter.</summary>
    /// <param name="samples">The number of samples.</param>
    /// <param name="first">The number of the first sample.</param>
    /// <param name="cancellation">Once it is set, every further pass throws an
    /// <see cref="OperationCanceledException"/>, so that a run stops within a pass.</param>
    public Meter(int samples, long first = 0, CancellationToken cancellation = default)
    {
        _first = first;
        _cancellation = cancellation;
        _queries = new long[samples];
        _gradients = new long[samples];
    }

    /// <summary>Forward passes of each sample, in order.</summary>
    public IReadOnlyList<long> Queries => _queries;

    /// <summary>Backward passes of each sample, in order.</summary>
    public IReadOnlyList<long> Gradients => _gradients;

    /// <summary>The model with this meter around it.</summary>
    public TModel Around<TModel>(TModel model)
        where TModel : IPredictor => Around(model, null);

    internal TModel Around<TModel>(TModel model, PassLimit? limit)
        where TModel : IPredictor
    {
        IPredictor metered = model switch
        {
            IClassifier classifier => new Classifier(this, classifier, limit),
            IScorer scorer => new Scorer(this, scorer, limit),
            _ => new Predictor(this, model, limit),
        };
        return (TModel)metered;
    }

    private static void CheckBox(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        Tensor values = pixels.detach();
        double low = values.amin(s_everything).Item();
        double high = values.amax(s_everything).Item();
        if (!(low >= -Tolerance && high <= 1 + Tolerance))
            throw new InvalidOperationException(
                $"The attack showed the model values in [{low}, {high}]; images stay in [0, 1]."
            );
    }

    /// <summary>Counts the rows, and says which are within the limit; null when all are.</summary>
    private long[]? Admit(Images images, PassLimit? limit, bool differentiates)
    {
        Check(images);
        var admitted = new List<long>();
        for (int row = 0; row < images.Count; row++)
        {
            long sample = images.Samples.Span[row];
            long i = sample - _first;
            if (limit is not null && !limit.Allows(sample, _queries[i], _gradients[i], differentiates))
            {
                using Tensor next = images.Pixels.slice(0, row, row + 1, 1);
                limit.Refuse(sample, next);
                continue;
            }

            admitted.Add(row);
            _queries[i]++;
            if (differentiates)
                _gradients[i]++;
        }

        if (admitted.Count == images.Count)
            return null;
        return limit!.IsSpent && admitted.Count == 0 ? throw new PassLimitReachedException() : [.. admitted];
    }

    /// <summary>Counts as many forward and backward passes of each row.</summary>
    private void Count(Images images, int passes)
    {
        Check(images);
        foreach (long sample in images.Samples.Span)
        {
            _queries[sample - _first] += passes;
            _gradients[sample - _first] += passes;
        }
    }

    private void Check(Images images)
    {
        _cancellation.ThrowIfCancellationRequested();
        CheckBox(images.Pixels);
    }

    private class Predictor(Meter meter, IPredictor model, PassLimit? limit) : IPredictor
    {
        public ImageShape Shape => model.Shape;

        public int Classes => model.Classes;

        public Tensor Predict(Images images) => Ask(images, model.Predict, answer => answer, refused => refused);

        public IDisposable? EnterEvaluation() => model.EnterEvaluation();

        // Answers for the admitted rows come from the model; the others get what reaches no goal.
        protected Tensor Ask(
            Images images,
            Func<Images, Tensor> ask,
            Func<Tensor, Tensor> predictions,
            Func<Tensor, Tensor> refusal
        )
        {
            if (Admitted(images, differentiates: false) is not { } admitted)
            {
                Tensor answer = ask(images);
                Saw(images, predictions, answer);
                return answer;
            }

            using var scope = NewDisposeScope();
            Tensor all = refusal(Refusals(images));
            if (admitted.Length == 0)
                return scope.MoveToOuter(all);
            Images shown = images.Select(admitted);
            Tensor answers = ask(shown);
            Saw(shown, predictions, answers);
            return scope.MoveToOuter(all.index_copy(0, tensor(admitted), answers));
        }

        protected long[]? Admitted(Images images, bool differentiates) => meter.Admit(images, limit, differentiates);

        // Counts several passes at once, unless the passes have a limit.
        protected bool CountedWithoutLimit(Images images, int passes)
        {
            if (limit is null)
                meter.Count(images, passes);
            return limit is null;
        }

        protected void Saw(Images images, Func<Tensor, Tensor> predictions, Tensor answers)
        {
            if (limit is null)
                return;
            using var scope = NewDisposeScope();
            limit.Saw(images, predictions(answers.detach()));
        }

        protected Tensor Refusals(Images images) => limit!.Refusals(images, Classes);
    }

    private class Scorer(Meter meter, IScorer model, PassLimit? limit) : Predictor(meter, model, limit), IScorer
    {
        public Tensor Probabilities(Images images) => Ask(images, model.Probabilities, Predictions.OfScores, OneHot);

        protected Tensor OneHot(Tensor labels) =>
            zeros([labels.size(0), Classes]).ScatterValue(1, labels.unsqueeze(1), 1);
    }

    private sealed class Classifier(Meter meter, IClassifier model, PassLimit? limit)
        : Scorer(meter, model, limit),
            IClassifier,
            ILayered
    {
        public nn.Module<Tensor, Tensor>? Network => (model as ILayered)?.Network;

        public Tensor Logits(Images images) => Ask(images, model.Logits, Predictions.OfScores, OneHot);

        // Where a model gives NaN there is nothing to follow, and the point is no good.
        private static Tensor OrHopeless(Tensor losses) => losses.masked_fill(losses.isnan(), Hopeless);

        private static Tensor OrZero(Tensor gradients) => gradients.nan_to_num(0, 0, 0);

        private static LossGradient Finite(LossGradient pass) =>
            pass with
            {
                Losses = OrHopeless(pass.Losses),
                Gradient = OrZero(pass.Gradient),
            };

        public LossGradient Gradient(Images images, Func<Tensor, Tensor> loss)
        {
            if (Admitted(images, differentiates: true) is not { } admitted)
            {
                LossGradient pass = Finite(model.Gradient(images, loss));
                Saw(images, Predictions.OfScores, pass.Logits);
                return pass;
            }

            // The loss is one of all rows: it gets them all, those of the model in the places of the admitted.
            using var scope = NewDisposeScope();
            Tensor all = OneHot(Refusals(images));
            Tensor gradient = zeros_like(images.Pixels);
            if (admitted.Length > 0)
            {
                Tensor index = tensor(admitted);
                Images shown = images.Select(admitted);
                LossGradient pass = Finite(
                    model.Gradient(shown, logits => loss(all.index_copy(0, index, logits)).index_select(0, index))
                );
                Saw(shown, Predictions.OfScores, pass.Logits);
                all = all.index_copy(0, index, pass.Logits);
                gradient = gradient.index_copy(0, index, pass.Gradient);
            }

            return new LossGradient(scope.MoveToOuter(all), scope.MoveToOuter(loss(all)), scope.MoveToOuter(gradient));
        }

        // Each loss counts as a pass of its own, whether or not the model shares the forward pass.
        public Jacobian Jacobian(Images images, int count, Func<Tensor, Tensor> losses)
        {
            if (!CountedWithoutLimit(images, count))
                return GradientPass.OfCopies(this, images, count, losses);
            Jacobian passes = model.Jacobian(images, count, losses);
            return passes with { Losses = OrHopeless(passes.Losses), Gradients = OrZero(passes.Gradients) };
        }
    }
}
