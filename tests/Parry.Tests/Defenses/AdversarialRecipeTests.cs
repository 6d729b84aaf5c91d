using Parry.Attacks;
using Parry.Attacks.WhiteBox;
using Parry.Catalogs;
using Parry.Data;
using Parry.Defenses.Training;
using Parry.Models.Architectures;
using Parry.Models.Training;
using Parry.Runtime;
using Parry.Tests.Data;
using Parry.Tests.Models;
using static TorchSharp.torch;

namespace Parry.Tests.Defenses;

/// <summary>What TRADES and MART share, alone and with weight perturbation.</summary>
public sealed class AdversarialRecipeTests : IDisposable
{
    private static readonly ImageSet s_images = ToySet.Make(120);
    private static readonly ClassifierTraining s_recipe = new()
    {
        Architecture = "e",
        Epochs = 3,
        BatchSize = 50,
        Seed = 7,
    };

    private readonly TemporaryFolder _folder = new();

    private string Checkpoint => Path.Combine(_folder.Path, "checkpoint.safetensors");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("trades:eps=0.1,steps=2", 0)]
    [InlineData("trades:eps=0.5,steps=2,norm=l2", 0.005)]
    [InlineData("mart:eps=0.1,steps=2", 0)]
    [InlineData("mart:eps=0.1,steps=2", 0.01)]
    public void A_resumed_run_gives_the_weights_of_an_unbroken_one_bit_for_bit(string text, double perturbation)
    {
        ClassifierTraining recipe = s_recipe with { Loss = Recipe(text), WeightPerturbation = perturbation };
        using ClassifierTrainer whole = Trained(recipe);
        using (var first = new ClassifierTrainer(recipe, s_images))
        {
            first.RunEpoch();
            AtomicFile.Write(Checkpoint, first.Save);
        }

        using var second = new ClassifierTrainer(recipe, s_images);
        second.Resume(Checkpoint);
        second.Run();
        Assert.Equal(Weights(whole), Weights(second));

        using var other = new ClassifierTrainer(recipe with { WeightPerturbation = 0.02 }, s_images);
        var refused = Assert.Throws<UserErrorException>(() => other.Resume(Checkpoint));
        Assert.Contains("weight perturbation 0.02", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("trades:eps=0.25,steps=5", 0)]
    [InlineData("mart:eps=0.25,steps=5", 0)]
    [InlineData("trades:eps=0.25,steps=5", 0.005)]
    public void A_trained_network_withstands_what_an_ordinary_one_does_not(string text, double perturbation)
    {
        ClassifierTraining recipe = s_recipe with { Epochs = 12, LearningRate = 3e-3 };
        ClassifierTraining adversarial = recipe with
        {
            Loss = Recipe(text) with { WarmUp = 3 },
            WeightPerturbation = perturbation,
        };
        using ClassifierTrainer plain = Trained(recipe);
        using ClassifierTrainer robust = Trained(adversarial);
        double before = Withstood(plain);
        double after = Withstood(robust);
        Assert.True(after > before + 0.2, $"{before} withstood before, {after} after");
    }

    [Theory]
    [InlineData("trades:eps=0.1", 0)]
    [InlineData("trades:eps=0.5,norm=l2", 0)]
    [InlineData("mart:eps=0.1", 0)]
    [InlineData("mart:eps=0.1", 0.01)]
    public void A_training_that_diverges_says_when_and_writes_no_checkpoint(string text, double perturbation)
    {
        ClassifierTraining recipe = s_recipe with
        {
            Loss = Recipe(text),
            WeightPerturbation = perturbation,
            LearningRate = 1e30,
        };
        using var trainer = new ClassifierTrainer(recipe, s_images);
        var stopped = Assert.Throws<TrainingDivergedException>(() => trainer.Run(Checkpoint));
        Assert.Matches("epoch 1 of 3, step [0-9]+ of [0-9]+:", stopped.Message);
        Assert.False(File.Exists(Checkpoint));
    }

    [Theory]
    [InlineData("trades:eps=0.1")]
    [InlineData("trades:eps=0.5,norm=l2")]
    [InlineData("mart:eps=0.1")]
    public void An_image_is_attacked_alike_in_every_piece(string text)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        using var linear = new LinearPiece(scale: 10);
        TrainingPiece all = linear.Piece;
        TrainingPiece last = all with
        {
            Images = all.Images[3..],
            Labels = all.Labels[3..],
            Random = all.Random.For(all.Random.Samples[3..]),
        };
        AdversarialRecipe recipe = Recipe(text);
        Assert.Equal(
            recipe.Attacked(all)[3..].contiguous().ToArray<float>(),
            recipe.Attacked(last).ToArray<float>(),
            (a, b) => Math.Abs(a - b) < 1e-5
        );
    }

    [Fact]
    public void The_budget_grows_with_the_warm_up()
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        using var linear = new LinearPiece(scale: 10);
        TrainingPiece piece = linear.Piece with { Epoch = 0.5 };
        var recipe = new Mart { Epsilon = 0.08, WarmUp = 2 };
        Assert.Equal(0.02, (recipe.Attacked(piece) - piece.Images).abs().max().Item(), 1e-6);
    }

    [Fact]
    public void Weight_files_say_how_they_were_trained()
    {
        Assert.Equal("TRADES with beta 6, Linf 0.3, 10 steps", new Trades().Description);
        Assert.Equal(
            "MART with lambda 2.5, L2 0.5, 7 steps of 0.1, warm-up over 1.5 epochs",
            (Recipe("mart:norm=l2,eps=0.5,iterations=7,step=0.1,lambda=2.5") with { WarmUp = 1.5 }).Description
        );
        ClassifierTraining perturbed = new() { Loss = new Trades(), WeightPerturbation = 0.005 };
        Assert.Equal("TRADES with beta 6, Linf 0.3, 10 steps, weight perturbation 0.005", perturbed.Description);
        Assert.Null(new ClassifierTraining().Description);
    }

    [Theory]
    [InlineData("trades:beta=0")]
    [InlineData("trades:beta=-1")]
    [InlineData("trades:beta=nan")]
    [InlineData("mart:lambda=0")]
    [InlineData("mart:steps=0")]
    [InlineData("mart:eps=0.1,0.2")]
    [InlineData("mart:norm=l1")]
    [InlineData("mart:beta=6")]
    public void Settings_out_of_range_are_refused(string text) =>
        Assert.Throws<UserErrorException>(() => AdversarialRecipes.Parse(text));

    [Fact]
    public void A_weight_that_is_no_number_above_0_is_refused()
    {
        Assert.Throws<UserErrorException>(() => new Trades { Beta = double.PositiveInfinity });
        Assert.Throws<UserErrorException>(() => new Mart { Lambda = double.NaN });
    }

    [Fact]
    public void Other_names_are_no_recipes() => Assert.Null(AdversarialRecipes.Parse("pgd:eps=0.3"));

    private static AdversarialRecipe Recipe(string text) => AdversarialRecipes.Parse(text)!;

    private static ClassifierTrainer Trained(ClassifierTraining recipe)
    {
        var trainer = new ClassifierTrainer(recipe, s_images);
        trainer.Run();
        return trainer;
    }

    private static double Withstood(ClassifierTrainer trainer)
    {
        using var scope = NewDisposeScope();
        ImageSet test = ToySet.Make(60, seed: 2);
        using AttackResult result = AttackRunner.Run(
            new ProjectedGradientDescent { Epsilon = 0.25, Steps = 5 },
            trainer.Classifier,
            test.ImageTensor(),
            Goal.Untargeted(test.LabelTensor()),
            seed: 1
        );
        return result.Attacked.Zip(result.Succeeded).Count(row => row.First && !row.Second) / 60.0;
    }

    private static float[] Weights(ClassifierTrainer trainer) =>
        [.. trainer.Classifier.Network.State().SelectMany(entry => entry.Value.ToArray<float>())];
}
