using Parry.Attacks;
using Parry.Attacks.ScoreBased;
using Parry.Catalogs;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Attacks;

public class ScoreBasedTests
{
    private static readonly ImageShape s_shape = new(1, 6, 6);

    [Theory]
    [InlineData("nes")]
    [InlineData("spsa")]
    [InlineData("zoo:steps=2,iterations=50,c=1")]
    [InlineData("autozoom:steps=200")]
    [InlineData("simba")]
    [InlineData("one-pixel:eps=4,population=40")]
    [InlineData("lsa")]
    [InlineData("genattack")]
    public void Scores_are_all_that_is_needed(string text)
    {
        var problem = new LinearProblem(Norm.Linf, classes: 3, count: 6, seed: 3);
        using AttackResult result = AttackCatalog
            .Parse(text)
            .Run(new Scores(problem.Model), new AttackRun(problem.Images, problem.Goal(targeted: false), 1))[0];
        Assert.All(result.Succeeded, Assert.True);
        Assert.All(result.Gradients, count => Assert.Equal(0, count));
    }

    [Fact]
    public void One_pixel_finds_the_pixel_that_an_exhaustive_search_finds()
    {
        var problem = new LinearProblem(Norm.L2, classes: 2, count: 20, seed: 4);
        bool[] possible = [.. Enumerable.Range(0, 20).Select(row => CanOnePixelSucceed(problem, row))];
        Assert.Equal(2, possible.Distinct().Count());
        using AttackResult result = AttackRunner.Run(
            new OnePixel { Population = 200 },
            problem.Model,
            problem.Images,
            problem.Goal(targeted: false),
            seed: 1
        );
        Assert.Equal(possible, result.Succeeded);
        Assert.All(result.L0.Zip(result.Succeeded), row => Assert.Equal(row.Second ? 1 : 0, row.First));
    }

    [Fact]
    public void Pixels_of_color_images_take_their_channels_from_the_budget()
    {
        var model = new SmallNetwork(new ImageShape(3, 6, 6), 5, seed: 3);
        using var random = new Generator(4);
        using Tensor images = rand([12, 3, 6, 6], generator: random);
        var goal = Goal.Untargeted(((IClassifier)model).Predict(images));
        var attack = new OnePixel { Population = 20, Generations = 10 };
        IReadOnlyList<AttackResult> results = AttackRunner.Run(
            attack,
            model,
            new AttackRun(images, goal, 1) { Epsilons = [3, 7, 12, 0] }
        );
        Assert.Equal(
            [3, 6, 12, 0],
            results.Select(result => Norm.L0.Of(result.Attempts.sub(images)).ToArray<float>().Max())
        );
        var error = Assert.Throws<UserErrorException>(() => AttackRunner.Run(attack, model, images, goal, seed: 1));
        Assert.Equal(
            "a pixel of these images has 3 values: expected a budget of 3 or a multiple for one-pixel, got 1",
            error.Message
        );
    }

    [Theory]
    [InlineData(SimbaBasis.Pixel)]
    [InlineData(SimbaBasis.Dct)]
    public void SimBA_moves_one_step_along_an_orthonormal_basis_at_a_time(SimbaBasis basis)
    {
        var problem = new LinearProblem(Norm.Linf, classes: 2, count: 8, seed: 5);
        float[] Lengths(int steps)
        {
            var attack = new SimpleBlackBox
            {
                Basis = basis,
                Step = 1e-3,
                Steps = steps,
            };
            using AttackResult result = AttackRunner.Run(
                attack,
                problem.Model,
                problem.Images,
                problem.Goal(targeted: false),
                seed: 1
            );
            return Norm.L2.Of(result.Attempts.sub(problem.Images)).ToArray<float>();
        }

        // On a linear model one of the two directions always helps.
        Assert.All(Lengths(1), length => Assert.Equal(1e-3, length, 1e-6));
        Assert.All(Lengths(36), length => Assert.Equal(6e-3, length, 1e-6));
    }

    [Fact]
    public void Local_search_changes_only_its_pixels()
    {
        var problem = new LinearProblem(Norm.Linf, classes: 2, count: 8, seed: 5);
        using AttackResult result = AttackRunner.Run(
            new LocalSearch { Rounds = 2, Pixels = 2 },
            problem.Model,
            problem.Images,
            problem.Goal(targeted: false),
            seed: 1
        );
        Assert.All(
            Norm.L0.Of(result.Attempts.sub(problem.Images)).ToArray<float>(),
            changed => Assert.InRange(changed, 1, 4)
        );
    }

    [Fact]
    public void A_genetic_population_keeps_to_its_budget_and_gets_better_with_generations()
    {
        var model = new SmallNetwork(s_shape, 5, seed: 3);
        using var random = new Generator(4);
        using Tensor images = rand([60, 1, 6, 6], generator: random);
        var goal = Goal.Untargeted(((IClassifier)model).Predict(images));
        int Successes(int generations, int? side = null) =>
            AttackRunner
                .Run(
                    new GeneticAttack
                    {
                        Epsilon = 0.06,
                        Generations = generations,
                        Side = side,
                    },
                    model,
                    images,
                    goal,
                    seed: 1
                )
                .Succeeded.Count(succeeded => succeeded);

        int first = Successes(0);
        int later = Successes(300);
        Assert.True(later >= first + 15, $"{first} of 60 at first, {later} later");
        Assert.InRange(Successes(300, side: 3), 1, later);
    }

    [Fact]
    public void AutoZOOM_attacks_through_an_auto_encoder_once_it_is_trained()
    {
        var problem = new LinearProblem(Norm.L2, classes: 3, count: 40, seed: 6);
        using Tensor own = problem.Images.slice(0, 8, 40, 1);
        using Tensor victims = problem.Images.slice(0, 0, 8, 1);
        Goal all = problem.Goal(targeted: false);
        var attack = new AutoZoom { Decoder = ZoomDecoder.Autoencoder, Epochs = 3 };
        Assert.False(attack.IsTrained);
        Assert.Throws<InvalidOperationException>(() =>
            AttackRunner.Run(attack, problem.Model, victims, all.Select(arange(8, ScalarType.Int64)), seed: 1)
        );

        ITrainedAttack<IScorer> Trained(long seed) =>
            attack.Train(
                problem.Model,
                new Batch(Images.Of(own), all.Select(arange(32, ScalarType.Int64)), new SampleRandom(seed, default)),
                []
            );
        ITrainedAttack<IScorer> trained = Trained(1);
        Assert.True(trained.IsTrained);
        using AttackResult result = AttackRunner.Run(
            trained,
            problem.Model,
            victims,
            all.Select(arange(8, ScalarType.Int64)),
            seed: 1
        );
        using AttackResult again = AttackRunner.Run(
            Trained(1),
            problem.Model,
            victims,
            all.Select(arange(8, ScalarType.Int64)),
            seed: 1
        );
        Assert.All(result.Succeeded, Assert.True);
        Assert.Equal(result.Images.ToArray<float>(), again.Images.ToArray<float>());
        Assert.True(new AutoZoom().IsTrained);
    }

    [Theory]
    [InlineData(28)]
    [InlineData(30)]
    public void An_auto_encoder_learns_to_reproduce_images(int side)
    {
        // Bright squares at random places.
        var random = new Random(1);
        var values = new float[64 * side * side];
        for (int i = 0; i < 64; i++)
        {
            var (top, left) = (random.Next(side - 8), random.Next(side - 8));
            for (int j = 0; j < 64; j++)
                values[(i * side * side) + ((top + (j / 8)) * side) + left + (j % 8)] = 1;
        }

        using Tensor images = tensor(values, [64, 1, side, side]);
        using ImageCodec brief = ImageCodec.Train(images, 1, 1, null, default);
        using ImageCodec longer = ImageCodec.Train(images, 30, 1, null, default);
        Assert.True(longer.Error < 0.5 * brief.Error, $"{longer.Error} after 30 epochs, {brief.Error} after one");
        Assert.Equal(side == 28 ? (14, 14) : (7, 7), longer.CodeSize);
        using Tensor code = zeros([2, 1, longer.CodeSize.Height, longer.CodeSize.Width]);
        using Tensor decoded = longer.Decode(code);
        Assert.Equal([2, 1, side, side], decoded.shape);
    }

    private static bool CanOnePixelSucceed(LinearProblem problem, int row)
    {
        float[] pixels = problem.Images.ToArray<float>()[(row * 36)..((row + 1) * 36)];
        long label = problem.Labels.ToArray<long>()[row];
        double margin = 0;
        double most = 0;
        for (int i = 0; i < 36; i++)
        {
            double weight = problem.Model.W[1 - label][i] - problem.Model.W[label][i];
            margin += weight * (pixels[i] - 0.5);
            most = Math.Max(most, weight > 0 ? weight * (1 - pixels[i]) : -weight * pixels[i]);
        }

        return margin + most > 0;
    }

    /// <summary>Shows the scores of a model and nothing else.</summary>
    private sealed class Scores(IClassifier model) : IScorer
    {
        public ImageShape Shape => model.Shape;

        public int Classes => model.Classes;

        public Tensor Probabilities(Images images) => model.Probabilities(images);
    }
}
