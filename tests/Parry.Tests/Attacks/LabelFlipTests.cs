using Parry.Attacks.Poisoning;
using Parry.Data;
using Parry.Models;
using Parry.Models.Training;
using Parry.Options;
using Parry.Tests.Models;

namespace Parry.Tests.Attacks;

public class LabelFlipTests
{
    private static readonly OptionBinder<LabelFlip> s_binder = new();

    private static readonly ImageSet s_set = ToySet.Make(600);

    [Theory]
    [InlineData(FlipKind.Random)]
    [InlineData(FlipKind.WorstCase)]
    public void The_whole_budget_is_spent_on_labels_and_nothing_else_changes(FlipKind kind)
    {
        foreach (double share in new[] { 0, 0.05, 0.25 })
        {
            var flip = new LabelFlip { Kind = kind, Share = share };
            ImageSet poisoned = flip.Poison(s_set, seed: 3);
            Assert.InRange(Flipped(poisoned).Count, (share * 600) - 2, share * 600);
            Assert.True(poisoned.Pixels.SequenceEqual(s_set.Pixels));
            Assert.Equal(poisoned.Labels, flip.Poison(s_set, seed: 3).Labels);
            Assert.Equal(share > 0, !poisoned.Labels.SequenceEqual(flip.Poison(s_set, seed: 4).Labels));
        }
    }

    [Fact]
    public void Random_flips_come_from_all_classes_and_go_to_all_others()
    {
        List<(int From, int To)> flips = Flipped(new LabelFlip { Share = 0.3 }.Poison(s_set, seed: 1));
        Assert.Equal(6, flips.Distinct().Count());
        Assert.All(flips.CountBy(flip => flip), pair => Assert.InRange(pair.Value, 15, 45));
    }

    [Fact]
    public void Targeted_flips_go_from_one_class_to_another_until_none_is_left()
    {
        List<(int From, int To)> flips = Flipped(
            new LabelFlip
            {
                Kind = FlipKind.Targeted,
                Share = 0.1,
                From = 2,
                To = 0,
            }.Poison(s_set, seed: 1)
        );
        Assert.Equal(60, flips.Count);
        Assert.Equal((2, 0), Assert.Single(flips.Distinct()));
        ImageSet all = new LabelFlip
        {
            Kind = FlipKind.Targeted,
            Share = 1,
            From = 2,
            To = 0,
        }.Poison(s_set, seed: 1);
        Assert.DoesNotContain(2, all.Labels.ToArray());
    }

    [Fact]
    public void The_worst_flips_cost_a_retrained_classifier_far_more_than_random_ones()
    {
        var recipe = new ClassifierTraining { Architecture = "classifier-e", Epochs = 6 };
        ImageSet test = ToySet.Make(300, seed: 2);
        PoisoningEffect random = new LabelFlip { Share = 0.25 }.Measure(s_set, test, recipe, seed: 1);
        PoisoningEffect worst = new LabelFlip { Kind = FlipKind.WorstCase, Share = 0.25 }.Measure(
            s_set,
            test,
            recipe,
            seed: 1
        );
        Assert.Equal(150, random.Flipped);
        Assert.InRange(random.CleanAccuracy, 0.97, 1);
        Assert.Equal(random.CleanAccuracy, worst.CleanAccuracy);
        Assert.True(
            worst.PoisonedAccuracy < random.PoisonedAccuracy - 0.15,
            $"{worst.PoisonedAccuracy} by the worst, {random.PoisonedAccuracy} by random flips"
        );
    }

    [Fact]
    public void Its_options_are_read_from_texts() =>
        Assert.Equal(
            new LabelFlip
            {
                Kind = FlipKind.Targeted,
                Share = 0.2,
                From = 3,
                To = 5,
            },
            s_binder.With(
                "the attack label-flip",
                new LabelFlip(),
                [new("kind", "targeted"), new("share", "0.2"), new("from", "3"), new("to", "5")]
            )
        );

    [Theory]
    [InlineData("shore", "0.1", "did you mean share?; its options: kind, share, from, to")]
    [InlineData("share", "1.5", "a number from 0 to 1, such as 0.1 or 8/255, got \"1.5\"")]
    [InlineData("kind", "worst", "random or targeted or worst-case, got \"worst\"")]
    [InlineData("from", "-1", "a whole number of at least 0, got \"-1\"")]
    public void Refuses_what_it_does_not_know(string name, string value, string reason) =>
        Assert.Contains(
            reason,
            Assert
                .Throws<UserErrorException>(() =>
                    s_binder.With("the attack label-flip", new LabelFlip(), [new(name, value)])
                )
                .Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void Refuses_classes_that_the_set_lacks()
    {
        foreach (var (from, to) in new[] { (1, 1), (0, 3), (-1, 0) })
        {
            var flip = new LabelFlip
            {
                Kind = FlipKind.Targeted,
                From = from,
                To = to,
            };
            Assert.Contains(
                "classes from 0 to 2",
                Assert.Throws<UserErrorException>(() => flip.Poison(s_set, seed: 1)).Message,
                StringComparison.Ordinal
            );
        }
    }

    private static List<(int From, int To)> Flipped(ImageSet poisoned) =>
        [.. s_set.Labels.ToArray().Zip(poisoned.Labels.ToArray()).Where(pair => pair.First != pair.Second)];
}
