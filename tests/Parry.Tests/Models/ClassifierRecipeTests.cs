using Parry.Data;
using Parry.Models;
using Parry.Models.Architectures;
using Parry.Models.Training;
using Parry.Runtime;
using Parry.Tests.Data;

namespace Parry.Tests.Models;

/// <summary>What the options of a classifier's recipe change.</summary>
public class ClassifierRecipeTests
{
    private static readonly ClassifierTraining s_options = new()
    {
        Architecture = "e",
        Epochs = 2,
        BatchSize = 50,
        Seed = 7,
    };

    [Fact]
    public void Mirroring_lets_a_network_know_what_it_saw_from_one_side_only()
    {
        // A bright left edge is class 1, a bright top row class 0; tested with bright right edges.
        ImageSet left = Edges(column: 0);
        ImageSet right = Edges(column: 5);
        double seen = RightEdges(mirror: true);
        double unseen = RightEdges(mirror: false);
        Assert.True(seen > 0.95, $"{seen} with mirroring");
        Assert.True(unseen < seen - 0.2, $"{unseen} without");

        double RightEdges(bool mirror)
        {
            using var trainer = new ClassifierTrainer(s_options with { Epochs = 10, Mirror = mirror }, left);
            trainer.Run();
            return Accuracy.Of(trainer.Classifier, right);
        }

        static ImageSet Edges(int column)
        {
            byte[] pixels = TestData.Pixels(200 * 36, seed: (ulong)column + 1);
            for (int i = 0; i < 200; i++)
            {
                for (int k = 0; k < 6; k++)
                    pixels[(i * 36) + (i % 2 == 0 ? k : (k * 6) + column)] = 255;
            }

            return new ImageSet(
                "edges",
                ToySet.Shape,
                pixels,
                Enumerable.Range(0, 200).Select(i => i % 2).ToArray(),
                ["top", "side"]
            );
        }
    }

    [Fact]
    public void The_step_size_is_divided_by_ten_at_milestones()
    {
        ClassifierTraining steps = s_options with { LearningRate = 0.1, FinalLearningRate = null, Milestones = [2, 3] };
        double[] rates = [.. Enumerable.Range(0, 4).Select(epoch => steps.RateAt(epoch, epoch / 4.0))];
        Assert.Equal([0.1, 0.1, 0.01, 0.001], rates, (a, b) => Math.Abs(a - b) < 1e-12);
    }

    [Fact]
    public void The_optimizer_and_the_changes_of_images_decide_what_is_learned()
    {
        ClassifierTraining[] recipes =
        [
            s_options,
            s_options with
            {
                Momentum = 0.9,
            },
            s_options with
            {
                Momentum = 0,
            },
            s_options with
            {
                WeightDecay = 0.1,
            },
            s_options with
            {
                Milestones = [1],
            },
            s_options with
            {
                Mirror = true,
            },
            s_options with
            {
                Crop = 1,
            },
        ];
        string[] results =
        [
            .. recipes.Select(recipe =>
            {
                using ClassifierTrainer trainer = Trained(recipe);
                return string.Join(' ', Weights(trainer));
            }),
        ];
        Assert.Equal(recipes.Length, results.Distinct().Count());
        Assert.Equal(recipes.Length, recipes.Select(recipe => recipe.ToString()).Distinct().Count());
    }

    private static ClassifierTrainer Trained(ClassifierTraining options)
    {
        var trainer = new ClassifierTrainer(options, ToySet.Make(120));
        trainer.Run();
        return trainer;
    }

    private static float[] Weights(ClassifierTrainer trainer) =>
        [.. trainer.Classifier.Network.State().SelectMany(entry => entry.Value.ToArray<float>())];
}
