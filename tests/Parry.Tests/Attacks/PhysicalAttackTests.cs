using Parry.Attacks;
using Parry.Attacks.Building;
using Parry.Attacks.Physical;
using Parry.Models;
using Parry.Runtime;
using Parry.Tests.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Attacks;

public class PhysicalAttackTests
{
    private static readonly ImageShape s_shape = new(1, 12, 12);

    [Fact]
    public void A_quarter_turn_moves_every_pixel_to_its_place_and_an_even_view_changes_nothing()
    {
        using var scope = NewDisposeScope();
        Tensor images = Images(3);
        float[] turned = nn
            .functional.grid_sample(
                images,
                Placement.Points([.. Enumerable.Repeat(new Placement(Math.PI / 2, 1, 0, 0), 3)], 12, 12, 12, 12),
                GridSampleMode.Bilinear,
                GridSamplePaddingMode.Border,
                false
            )
            .ToArray<float>();
        float[] expected = images
            .transpose(2, 3)
            .index_select(3, tensor(Enumerable.Range(0, 12).Select(i => 11L - i).ToArray()))
            .ToArray<float>();
        Assert.All(turned.Zip(expected), pair => Assert.Equal(pair.Second, pair.First, 1e-5));
        Assert.All(
            new Views().Apply(images, full([3, 5], 0.5)).ToArray<float>().Zip(images.ToArray<float>()),
            pair => Assert.Equal(pair.Second, pair.First, 1e-5)
        );
    }

    [Fact]
    public void A_placed_picture_has_the_size_and_the_middle_it_was_given()
    {
        using var scope = NewDisposeScope();
        Tensor points = Placement.Points([new Placement(0, 2, 3, -2)], 20, 24, 4, 4);
        bool[] inside = points.abs().amax([3]).lt(1.0).ToArray<bool>();
        for (int row = 0; row < 20; row++)
        {
            for (int column = 0; column < 24; column++)
                Assert.Equal(column is >= 11 and < 19 && row is >= 4 and < 12, inside[(row * 24) + column]);
        }
    }

    [Fact]
    public void The_gradient_through_a_view_is_what_finite_differences_give()
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var model = new LinearClassifier(s_shape, 4, seed: 3);
        Tensor images = Images(2).mul(0.5).add(0.1);
        Tensor direction = Images(2, seed: 8);
        var draws = new SampleRandom(4, new long[] { 0, 1 });
        Tensor Seen(Tensor input) => new Views().Apply(input, draws);
        Tensor Loss(Tensor logits) => logits.slice(1, 0, 1, 1).squeeze(1);
        double slope = model
            .GradientThrough(Parry.Models.Images.Of(images), images, Seen, Loss)
            .Gradient.mul(direction)
            .sum()
            .Item();
        double At(double step) => Loss(model.Logits(Seen(images.add(direction.mul(step))))).sum().Item();
        Assert.Equal((At(0.1) - At(-0.1)) / 0.2, slope, 0.001);
    }

    [Fact]
    public void LaVAN_succeeds_exactly_where_its_square_can_be_enough()
    {
        var problem = new LinearProblem(Norm.Linf, classes: 2, count: 60, seed: 5);
        float[][] images = [.. problem.Images.ToArray<float>().Chunk(36)];
        long[] labels = problem.Labels.ToArray<long>();
        double[] normal = [.. problem.Model.W[1].Zip(problem.Model.W[0], (other, own) => (double)other - own)];

        // One pixel, of a weight with which some images can be turned and some cannot.
        double enough = problem.Distance * normal.Sum(Math.Abs) / 0.5;
        int pixel = Enumerable.Range(0, 36).MinBy(j => Math.Abs(Math.Abs(normal[j]) - enough));
        var attack = new Lavan
        {
            Area = 0.03,
            Top = pixel / 6,
            Left = pixel % 6,
        };
        using AttackResult result = AttackRunner.Run(
            attack,
            problem.Model,
            problem.Images,
            problem.Goal(false),
            seed: 1
        );
        bool[] possible =
        [
            .. images.Select(
                (image, i) =>
                {
                    double[] rise = [.. normal.Select(weight => labels[i] == 0 ? weight : -weight)];
                    return Enumerable
                            .Range(0, 36)
                            .Sum(j => j == pixel ? Math.Abs(rise[j]) / 2 : rise[j] * (image[j] - 0.5)) > 0;
                }
            ),
        ];
        Assert.Equal(possible, result.Succeeded);
        Assert.Contains(true, possible);
        Assert.Contains(false, possible);
    }

    [Fact]
    public void LaVAN_changes_one_square_within_its_area_at_a_place_of_each_images_own()
    {
        var problem = new LinearProblem(Norm.Linf, classes: 4, count: 20, seed: 5);
        using AttackResult result = AttackRunner.Run(
            new Lavan { Area = 0.3, Restarts = 3 },
            problem.Model,
            problem.Images,
            problem.Goal(false),
            seed: 1
        );
        using Tensor change = result.Attempts.sub(problem.Images);
        var places = new HashSet<(int, int)>();
        foreach (float[] image in change.ToArray<float>().Chunk(36))
        {
            int[] changed = [.. Enumerable.Range(0, 36).Where(i => image[i] != 0)];
            int top = changed.Min(i => i / 6);
            int left = changed.Min(i => i % 6);
            Assert.InRange(changed.Length, 1, 9);
            Assert.True(changed.Max(i => i / 6) - top < 3 && changed.Max(i => i % 6) - left < 3);
            places.Add((top, left));
        }

        Assert.True(places.Count > 4);
        Assert.All(result.Succeeded, Assert.True);
        Assert.Contains(
            "0 to 3",
            Assert
                .Throws<UserErrorException>(() =>
                    AttackRunner.Run(
                        new Lavan { Area = 0.3, Top = 4 },
                        problem.Model,
                        problem.Images,
                        problem.Goal(false),
                        seed: 1
                    )
                )
                .Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void RP2_fools_in_views_where_stickers_made_for_one_view_do_not()
    {
        var model = new SmallNetwork(s_shape, 4, seed: 3);
        using Tensor images = Images(20);
        using Tensor labels = Predicted(model, images);
        var goal = Goal.Untargeted(labels);
        var views = new Views { Rotation = 30, Shift = 0.1 };
        var robust = new RobustPhysicalPerturbations
        {
            Area = 0.15,
            Steps = 40,
            Views = views,
        };
        double many = FooledViews(model, images, goal, robust, views);
        double one = FooledViews(model, images, goal, robust with { ViewCount = 1 }, views);
        Assert.True(many > one + 0.1, $"{many} of the views fooled, {one} by stickers made for one view");
    }

    [Fact]
    public void RP2_stays_in_its_mask_and_prints_black_and_white_when_colors_cost()
    {
        var model = new SmallNetwork(s_shape, 4, seed: 3);
        using Tensor images = Images(10);
        using Tensor labels = Predicted(model, images);
        var goal = Goal.Untargeted(labels);
        using AttackResult found = AttackRunner.Run(
            new RobustPhysicalPerturbations { Area = 0.1, Steps = 15 },
            model,
            images,
            goal,
            seed: 1
        );
        using Tensor foundChange = found.Attempts.sub(images);
        Assert.All(Norm.L0.Of(foundChange).ToArray<float>(), count => Assert.InRange(count, 1, 14));

        var rectangle = new RobustPhysicalPerturbations
        {
            Top = 2,
            Left = 3,
            Height = 5,
            Width = 6,
            Steps = 60,
            PrintWeight = 0,
        };
        double cheap = Gray(rectangle);
        double dear = Gray(rectangle with { PrintWeight = 3 });
        Assert.True(dear < 0.5 * cheap, $"mean product of distances to black and white {dear}, without cost {cheap}");
        Assert.Throws<UserErrorException>(() =>
            AttackRunner.Run(rectangle with { Width = 10 }, model, images, goal, seed: 1)
        );

        double Gray(RobustPhysicalPerturbations attack)
        {
            using AttackResult result = AttackRunner.Run(attack, model, images, goal, seed: 1);
            Assert.All(
                result.Attempts.ToArray<float>().Zip(images.ToArray<float>()).Chunk(144),
                image =>
                    Assert.All(
                        Enumerable.Range(0, 144).Where(i => !(i / 12 is >= 2 and < 7 && i % 12 is >= 3 and < 9)),
                        i => Assert.Equal(image[i].Second, image[i].First)
                    )
            );
            using Tensor sticker = result.Attempts.slice(2, 2, 7, 1).slice(3, 3, 9, 1);
            return sticker.ToArray<float>().Average(value => value * (1 - value));
        }
    }

    [Fact]
    public void A_trained_patch_fools_far_more_images_than_a_gray_one_and_stays_in_its_area()
    {
        var model = new Pooled(s_shape, 4, seed: 3);
        using Tensor training = Images(100, seed: 5);
        using Tensor images = Images(60);
        using Tensor wanted = full([60], 2.0, ScalarType.Int64);
        var attack = new AdversarialPatch
        {
            LargestArea = 0.2,
            SmallestArea = 0.15,
            Steps = 60,
            BatchSize = 50,
        };
        var random = new SampleRandom(1, Rows(100));
        Assert.Throws<InvalidOperationException>(() =>
            AttackRunner.Run(attack, model, images, Goal.Targeted(wanted), seed: 1)
        );
        using Tensor target = full([100], 2.0, ScalarType.Int64);
        var trained = (AdversarialPatch)
            attack.Train(model, new Batch(new Images(training, random.Samples), Goal.Targeted(target), random), []);
        var again = (AdversarialPatch)
            attack.Train(model, new Batch(new Images(training, random.Samples), Goal.Targeted(target), random), []);
        Assert.Equal(trained.Patch!.ToArray<float>(), again.Patch!.ToArray<float>());

        using Tensor gray = full([4, 1, 6, 6], 0.5);
        using AttackResult result = AttackRunner.Run(trained, model, images, Goal.Targeted(wanted), seed: 1);
        using AttackResult control = AttackRunner.Run(
            attack with
            {
                Patch = gray,
            },
            model,
            images,
            Goal.Targeted(wanted),
            seed: 1
        );
        int fooled = result.Succeeded.Count(s => s);
        int byGray = control.Succeeded.Count(s => s);
        int attacked = result.Attacked.Count(a => a);
        Assert.True(
            fooled > 0.5 * attacked && fooled > byGray + (0.3 * attacked),
            $"{fooled} of {attacked}, a gray patch {byGray}"
        );
        using Tensor change = result.Attempts.sub(images);
        Assert.All(
            Norm.L0.Of(change).ToArray<float>().Where((_, i) => result.Attacked[i]),
            count => Assert.InRange(count, 10, 36)
        );
    }

    [Fact]
    public void A_patch_lies_where_it_lies_in_every_batch_and_leaves_no_tensors_behind()
    {
        var model = new SmallNetwork(s_shape, 4, seed: 3);
        using Tensor training = Images(40, seed: 5);
        using Tensor labels = Predicted(model, training);
        using Tensor images = Images(9);
        using Tensor own = Predicted(model, images);
        var random = new SampleRandom(1, Rows(40));
        // What earlier tests left to the collector must not go in between.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        long before = Settled.Tensors();
        var trained = (AdversarialPatch)
            new AdversarialPatch { Steps = 3 }.Train(
                model,
                new Batch(new Images(training, random.Samples), Goal.Untargeted(labels), random),
                []
            );
        Assert.Equal(before + 1, LiveTensors.Count);
        using AttackResult batch = AttackRunner.Run(trained, model, images, Goal.Untargeted(own), seed: 1);
        for (int i = 0; i < 9; i++)
        {
            using Tensor image = images.slice(0, i, i + 1, 1);
            using Tensor label = own.slice(0, i, i + 1, 1);
            using Tensor row = batch.Attempts.slice(0, i, i + 1, 1);
            using AttackResult single = AttackRunner.Run(
                trained,
                model,
                new AttackRun(image, Goal.Untargeted(label), 1) { FirstSample = i }
            )[0];
            Assert.Equal(row.ToArray<float>(), single.Attempts.ToArray<float>());
        }
    }

    private static double FooledViews(
        SmallNetwork model,
        Tensor images,
        Goal goal,
        RobustPhysicalPerturbations attack,
        Views views
    )
    {
        using AttackResult result = AttackRunner.Run(attack, model, images, goal, seed: 1);
        using var scope = NewDisposeScope();
        return Enumerable
            .Range(0, 40)
            .Average(view =>
                goal.IsReached(Predicted(model, views.Apply(result.Attempts, new SampleRandom(100 + view, Rows(20)))))
                    .ToArray<bool>()
                    .Average(reached => reached ? 1.0 : 0.0)
            );
    }

    private static Tensor Predicted(SmallNetwork model, Tensor images) => ((IClassifier)model).Predict(images);

    private static Tensor Images(int count, long seed = 4)
    {
        using var random = new Generator((ulong)seed);
        return rand([count, 1, 12, 12], generator: random);
    }

    private static long[] Rows(int count) => [.. Enumerable.Range(0, count).Select(i => (long)i)];

    /// <summary>Sees local patterns wherever they are.</summary>
    private sealed class Pooled : IClassifier
    {
        private readonly Tensor _filters;

        public Pooled(ImageShape shape, int classes, long seed)
        {
            (Shape, Classes) = (shape, classes);
            using var random = new Generator((ulong)seed);
            _filters = randn([classes, shape.Channels, 3, 3], generator: random).DetachFromDisposeScope();
        }

        public ImageShape Shape { get; }

        public int Classes { get; }

        public Tensor Logits(Images images) =>
            nn.functional.conv2d(images.Pixels - 0.5, _filters).relu().mean([2, 3]).mul(20.0);
    }
}
