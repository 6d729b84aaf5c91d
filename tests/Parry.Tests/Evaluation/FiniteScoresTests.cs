using Parry.Attacks;
using Parry.Data;
using Parry.Evaluation;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Evaluation;

/// <summary>Images for which a model gives no usable scores are left out.</summary>
public class FiniteScoresTests
{
    private static readonly ImageSet s_images = new(
        "four images",
        new ImageShape(1, 1, 2),
        new byte[] { 0, 10, 255, 20, 30, 40, 255, 50 },
        new[] { 0, 1, 1, 0 },
        ["a", "b"]
    );

    [Fact]
    public void Images_without_finite_scores_are_left_out_and_counted()
    {
        var (images, rows, note) = FiniteScores.Of(new WithoutWhite(), s_images);

        Assert.Equal([0, 2], rows);
        Assert.Equal([0, 1], images.Labels.ToArray());
        Assert.Equal([0, 10, 30, 40], images.Pixels.ToArray());
        Assert.StartsWith("2 of 4 images are left out", note, StringComparison.Ordinal);
        Assert.Null(FiniteScores.Of(new WithoutWhite(), images).Note);
    }

    [Fact]
    public void A_model_without_any_finite_score_is_refused() =>
        Assert.Contains(
            "any of 2 images",
            Assert
                .Throws<UserErrorException>(() => FiniteScores.Of(new WithoutWhite(), s_images.Select([1, 3])))
                .Message,
            StringComparison.Ordinal
        );

    [Theory]
    [InlineData(1, 2, 1)]
    [InlineData(float.NaN, 2, -1)]
    [InlineData(2, float.NaN, -1)]
    [InlineData(float.PositiveInfinity, 2, -1)]
    [InlineData(float.NegativeInfinity, 2, 1)]
    [InlineData(float.NegativeInfinity, float.NegativeInfinity, -1)]
    public void Scores_that_tell_no_class_predict_none_and_reach_no_goal(float first, float second, long predicted)
    {
        using var scope = NewDisposeScope();
        Tensor scores = tensor(new[] { first, second }, [1, 2]);

        Assert.Equal([predicted], Predictions.OfScores(scores).ToArray<long>());
        bool isReached = predicted == 1;
        Assert.Equal([isReached], Goal.Untargeted(tensor(new long[] { 0 })).IsReachedBy(scores).ToArray<bool>());
        Assert.Equal([isReached], Goal.Targeted(tensor(new long[] { 1 })).IsReachedBy(scores).ToArray<bool>());
    }

    private sealed class WithoutWhite : IClassifier
    {
        public ImageShape Shape => new(1, 1, 2);

        public int Classes => 2;

        public Tensor Logits(Images images)
        {
            Tensor values = images.Pixels.flatten(1);
            return values.masked_fill(values.select(1, 0).eq(1.0).unsqueeze(1), double.NaN);
        }
    }
}
