using Parry.Data;
using Parry.Data.Images;
using Parry.Defenses;
using Parry.Defenses.Purifiers;
using Parry.Defenses.Squeezing;
using Parry.Models;
using Parry.Runtime;
using Parry.Tests.Models;
using static TorchSharp.torch;

namespace Parry.Tests.Defenses;

public class SqueezingTests
{
    private static readonly SampleRandom s_none = new(0, new long[] { 0 });

    [Theory]
    [InlineData(1, new[] { 0f, 0, 1, 1 })]
    [InlineData(2, new[] { 0f, 1 / 3f, 2 / 3f, 1 })]
    [InlineData(8, new[] { 0f, 102 / 255f, 153 / 255f, 1 })]
    public void Values_are_rounded_to_the_levels_of_their_bits(int bits, float[] expected)
    {
        using var scope = NewDisposeScope();
        Tensor image = tensor(new float[] { 0.1f / 255, 0.4f, 0.6f, 0.9999f }, [1, 1, 2, 2]);
        Purified squeezed = new BitDepth(new ImageShape(1, 2, 2)) { Bits = bits }.Purify(image, s_none);
        Assert.All(
            expected.Zip(squeezed.Images.ToArray<float>()),
            pair => Assert.Equal(pair.First, pair.Second, 1e-6f)
        );
        Assert.Equal(squeezed.Images.sub(image).pow(2.0).mean().Item(), squeezed.Errors.Item(), 1e-7);
    }

    [Theory]
    [InlineData(2, new[] { 1f, 2, 4, 9, 7, 4, 9, 8, 7 })] // the third of four, up and left: 1 2 9 7 gives 7
    [InlineData(3, new[] { 2f, 3, 4, 5, 5, 4, 7, 6, 6 })] // the fifth of nine: 1 to 9 gives 5 in the middle
    public void Medians_are_those_counted_by_hand(int window, float[] expected)
    {
        using var scope = NewDisposeScope();
        Tensor image = tensor(new float[] { 1, 2, 4, 9, 7, 3, 5, 8, 6 }, [1, 1, 3, 3]).div(16.0);
        Assert.Equal(
            expected,
            new MedianSmoothing(new ImageShape(1, 3, 3)) { Window = window }
                .Purify(image, s_none)
                .Images.mul(16.0)
                .ToArray<float>()
        );
    }

    [Fact]
    public void A_medians_gradient_goes_to_the_value_that_was_chosen()
    {
        using var scope = NewDisposeScope();
        Tensor image = tensor(new float[] { 1, 2, 4, 9, 7, 3, 5, 8, 6 }, [1, 1, 3, 3]).div(16.0).requires_grad_();
        Tensor center = new MedianSmoothing(new ImageShape(1, 3, 3)) { Window = 3 }
            .Purify(image, s_none)
            .Images.slice(2, 1, 2, 1)
            .slice(3, 1, 2, 1);
        Assert.Equal([0f, 0, 0, 0, 0, 0, 1, 0, 0], Autograd.Grad(center.sum(), image).ToArray<float>());
    }

    [Fact]
    public void One_bright_pixel_is_gone_from_the_median()
    {
        using var scope = NewDisposeScope();
        Tensor image = zeros([1, 3, 6, 6])
            .index_copy(
                2,
                tensor(new long[] { 3L }),
                zeros([1, 3, 1, 6]).index_copy(3, tensor(new long[] { 2L }), ones([1, 3, 1, 1]))
            );
        Assert.Equal(3, image.sum().Item());
        Assert.Equal(
            0,
            new MedianSmoothing(new ImageShape(3, 6, 6)) { Window = 3 }
                .Purify(image, s_none)
                .Images.sum()
                .Item()
        );
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Jpeg_keeps_a_smooth_image_and_loses_more_at_a_lower_quality(int channels)
    {
        using var scope = NewDisposeScope();
        var shape = new ImageShape(channels, 20, 28);
        Tensor ramp = tensor(
                Enumerable
                    .Range(0, shape.Pixels)
                    .Select(i => (float)(0.5 + (0.4 * Math.Sin(i % 28 / 6.0) * Math.Cos(i / 28 % 20 / 5.0))))
                    .ToArray()
            )
            .reshape(1, channels, 20, 28);
        double best = Error(100);
        double worst = Error(5);
        Assert.InRange(best, 0, 2e-4);
        Assert.True(worst > 3 * best, $"{best} at 100, {worst} at 5");
        Assert.Equal(Error(75), Error(75));

        double Error(int quality)
        {
            Purified compressed = new JpegCompression(shape) { Quality = quality }.Purify(ramp, s_none);
            Assert.Equal(ramp.shape, compressed.Images.shape);
            Assert.All(compressed.Images.ToArray<float>(), value => Assert.InRange(value, 0f, 1f));
            return compressed.Errors.Item();
        }
    }

    [Fact]
    public void A_jpeg_that_is_written_can_be_read()
    {
        var shape = new ImageShape(3, 9, 5);
        byte[] file = Jpeg.Encode(Enumerable.Repeat((byte)77, shape.Pixels).ToArray(), shape, 90);
        var (decoded, planes) = Jpeg.Decode(file, 3);
        Assert.Equal(shape, decoded);
        Assert.All(planes, value => Assert.InRange(value, 75, 79));
    }

    [Fact]
    public void The_detectors_score_is_the_largest_distance_of_probabilities_over_the_squeezers()
    {
        using var scope = NewDisposeScope();
        var (classifier, images, draws) = Case();
        IPurifier[] squeezers = [new BitDepth(classifier.Shape), new MedianSmoothing(classifier.Shape) { Window = 3 }];
        float[] scores = new FeatureSqueezing(classifier, squeezers, 1).Scores(images, draws).ToArray<float>();
        Tensor plain = classifier.Logits(images).softmax(-1);
        float[][] each =
        [
            .. squeezers.Select(squeezer =>
                classifier
                    .Logits(squeezer.Purify(images, draws).Images)
                    .softmax(-1)
                    .sub(plain)
                    .abs()
                    .sum(1)
                    .ToArray<float>()
            ),
        ];
        Assert.All(
            scores.Select((score, i) => (score, Math.Max(each[0][i], each[1][i]))),
            pair => Assert.Equal(pair.Item2, pair.score, 1e-5f)
        );
    }

    [Fact]
    public void The_detector_can_be_differentiated()
    {
        using var scope = NewDisposeScope();
        var (classifier, images, draws) = Case();
        var detector = new FeatureSqueezing(
            classifier,
            [new BitDepth(classifier.Shape), new MedianSmoothing(classifier.Shape)],
            1
        );
        Tensor input = images.detach().requires_grad_();
        Assert.Contains(
            Autograd.Grad(detector.Scores(input, draws).sum(), input).ToArray<float>(),
            value => value != 0
        );
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0.05, 3)]
    [InlineData(0.5, 30)]
    public void The_threshold_refuses_the_wanted_share_of_clean_images(double rate, int refused)
    {
        using var scope = NewDisposeScope();
        ImageSet clean = ToySet.Make(60);
        var classifier = new LinearClassifier(ToySet.Shape);
        FeatureSqueezing detector = FeatureSqueezing.Calibrated(
            classifier,
            [new BitDepth(ToySet.Shape), new MedianSmoothing(ToySet.Shape)],
            clean,
            rate
        );
        float[] scores = detector
            .Scores(clean.ImageTensor(), new SampleRandom(0, Enumerable.Range(0, 60).Select(i => (long)i).ToArray()))
            .ToArray<float>();
        Assert.Equal(refused, scores.Count(score => score >= detector.Threshold));
    }

    [Fact]
    public void The_attackers_views_are_the_mean_of_the_probabilities()
    {
        using var scope = NewDisposeScope();
        var (classifier, images, draws) = Case();
        var bits = new BitDepth(classifier.Shape);
        IClassifier views = new SqueezedViews(classifier, [bits]);
        Tensor mean = classifier
            .Logits(images)
            .softmax(-1)
            .add(classifier.Logits(bits.Purify(images, draws).Images).softmax(-1))
            .div(2.0);
        Assert.InRange(mean.sub(views.Probabilities(images)).abs().amax([0, 1]).Item(), 0, 1e-5);
        Assert.Contains(
            views.Gradient(images, logits => logits.select(1, 0)).Gradient.ToArray<float>(),
            value => value != 0
        );
    }

    [Fact]
    public void Settings_out_of_range_are_refused()
    {
        var shape = new ImageShape(1, 4, 4);
        Assert.Throws<UserErrorException>(() => new BitDepth(shape) { Bits = 9 });
        Assert.Throws<UserErrorException>(() => new MedianSmoothing(shape) { Window = 4 });
        Assert.Throws<UserErrorException>(() => new JpegCompression(shape) { Quality = 101 });
    }

    private static (IClassifier Classifier, Tensor Images, SampleRandom Draws) Case()
    {
        using var random = new Generator(2);
        var shape = new ImageShape(1, 6, 6);
        return (
            new LinearClassifier(shape),
            rand([4, 1, 6, 6], generator: random),
            new SampleRandom(1, new long[] { 0, 1, 2, 3 })
        );
    }
}
