using Parry.Data;
using Parry.Defenses;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Defenses;

/// <summary>Detectors before a model, as an attacker who knows them attacks it.</summary>
public sealed class RefusalTests : IDisposable
{
    private static readonly ImageShape s_shape = new(1, 2, 2);

    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();
    private readonly LinearClassifier _linear = new(s_shape);
    private readonly Images _images;
    private readonly TrueClasses _truth;

    public RefusalTests()
    {
        using var random = new Generator(3);
        _images = Images.Of(rand([6, 1, 2, 2], generator: random));
        int[] labels = [0, 1, 2, 0, 1, 2];
        _truth = new TrueClasses(new ImageSet("made", s_shape, new byte[6 * 4], labels, ["a", "b", "c"]));
    }

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void What_is_accepted_is_answered_as_without_detectors()
    {
        var refusing = (IClassifier)Refusing(_linear, threshold: 10);
        Assert.Equal(_linear.Logits(_images).ToArray<float>(), refusing.Logits(_images).ToArray<float>());
    }

    [Fact]
    public void What_is_refused_counts_as_its_true_class_whatever_the_model_shows()
    {
        long[] expected = [0, 1, 2, 0, 1, 2];
        Assert.Equal(expected, Refusing(_linear, 0).Predict(_images).ToArray<long>());
        Assert.Equal(expected, Refusing(new Scores(_linear), 0).Predict(_images).ToArray<long>());
        Assert.Equal(expected, Refusing(new Labels(_linear), 0).Predict(_images).ToArray<long>());
    }

    [Theory]
    [InlineData(0.1)]
    [InlineData(1)]
    [InlineData(10)]
    public void The_gradient_goes_through_the_model_and_through_the_detectors(double weight)
    {
        var refusing = (IClassifier)Refusing(_linear, threshold: 0.2, weight);
        Tensor gradient = refusing.Gradient(_images, Loss).Gradient;
        Tensor pixels = _images.Pixels;
        double[] expected =
        [
            .. Enumerable
                .Range(0, 24)
                .Select(i =>
                {
                    const float Step = 1e-3f;
                    Tensor move = zeros(24).ScatterValue(0, tensor(new long[] { i }), Step).reshape(6, 1, 2, 2);
                    double up = Loss(refusing.Logits(_images.With(pixels + move))).sum().Item();
                    double down = Loss(refusing.Logits(_images.With(pixels - move))).sum().Item();
                    return (up - down) / (2 * Step);
                }),
        ];
        float[] actual = gradient.ToArray<float>();
        for (int i = 0; i < 24; i++)
            Assert.Equal(expected[i], actual[i], 0.02 * Math.Max(1, Math.Abs(expected[i])));

        Tensor Loss(Tensor logits) => logits.log_softmax(-1).select(1, 0);
    }

    private IPredictor Refusing(IPredictor model, double threshold, double weight = 1)
    {
        var defense = new DefenseSpec { Name = "made", Detectors = [new Square(threshold)] };
        return defense.Refusing(model, _truth, new CallDraws(1), weight);
    }

    /// <summary>The score is the mean square.</summary>
    private sealed record Square(double Threshold) : IDetector
    {
        public string Name => "square";

        public Tensor Scores(Tensor images, SampleRandom random) => images.pow(2.0).MeanPerImage();
    }

    private sealed class Labels(IPredictor model) : IPredictor
    {
        public ImageShape Shape => model.Shape;

        public int Classes => model.Classes;

        public Tensor Predict(Images images) => model.Predict(images);
    }

    private sealed class Scores(IScorer model) : IScorer
    {
        public ImageShape Shape => model.Shape;

        public int Classes => model.Classes;

        public Tensor Probabilities(Images images) => model.Probabilities(images);
    }
}
