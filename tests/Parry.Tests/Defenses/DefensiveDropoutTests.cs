using Parry.Catalogs;
using Parry.Defenses;
using Parry.Models;
using Parry.Models.Architectures;
using Parry.Runtime;
using Parry.Tests.Models;
using static TorchSharp.torch;

namespace Parry.Tests.Defenses;

public class DefensiveDropoutTests
{
    private static readonly ImageShape s_shape = new(2, 50, 50);

    [Fact]
    public void A_share_of_values_is_dropped_and_the_others_keep_the_mean()
    {
        using var scope = NewDisposeScope();
        using NetworkClassifier model = Only(plan => plan.Dropout(0.25));
        float[] values = Answer(model, seed: 1, count: 4);
        Assert.InRange(values.Count(value => value == 0) / 20_000.0, 0.24, 0.26);
        Assert.All(values, value => Assert.True(value == 0 || Math.Abs(value - (1 / 0.75)) < 1e-5));
    }

    [Fact]
    public void Whole_maps_are_dropped_where_the_network_does_so()
    {
        using var scope = NewDisposeScope();
        using NetworkClassifier model = Only(plan => plan.Dropout(0.25, maps: true));
        float[][] maps = [.. Answer(model, seed: 1, count: 200).Chunk(2500)];
        Assert.All(maps, map => Assert.Single(map.Distinct()));
        Assert.InRange(maps.Count(map => map[0] == 0), 70, 130);
    }

    [Fact]
    public void Draws_belong_to_samples_and_are_new_in_each_call()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        using nn.Module<Tensor, Tensor> network = Classifiers.Create(
            "a",
            ToySet.Shape with
            {
                Height = 20,
                Width = 20,
            },
            3,
            random
        );
        using var model = new NetworkClassifier(network, new ImageShape(1, 20, 20), 3);
        Tensor pixels = rand([5, 1, 20, 20], generator: random);
        var images = Images.Of(pixels);
        var dropout = new DefensiveDropout(model, seed: 1);
        float[][] together = Rows(dropout.Logits(images));
        Assert.NotEqual(together, Rows(dropout.Logits(images)));
        Assert.Equal(together, Rows(dropout.Logits(Images.Of(pixels))));
        Assert.NotEqual(together, Rows(new DefensiveDropout(model, seed: 2).Logits(Images.Of(pixels))));
        long[] some = [3, 1];
        Assert.Equal([together[3], together[1]], Rows(dropout.Logits(Images.Of(pixels).Select(some))));
    }

    [Fact]
    public void An_attacker_averages_gradients_over_draws_of_another_seed()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        using var context = new DefenseContext("toy", ToySet.Shape, 3);
        using nn.Module<Tensor, Tensor> network = Classifiers.Create("d", ToySet.Shape, 3, random);
        context.Evaluated = new NetworkClassifier(network, ToySet.Shape, 3);
        DefenseSpec spec = DefenseCatalog.Parse("dropout:draws=1", context);
        Tensor pixels = rand([6, 1, 6, 6], generator: random);
        var seen = (IClassifier)spec.KnownTo(context.Evaluated, seed: 9);
        LossGradient pass = seen.Gradient(Images.Of(pixels), logits => logits.select(1, 0));
        Assert.True(pass.Gradient.abs().amax([1, 2, 3]).min().Item() > 0);
        Assert.NotEqual(
            pass.Logits.softmax(-1).ToArray<float>(),
            spec.Classifier!.Logits(Images.Of(pixels)).softmax(-1).ToArray<float>()
        );
    }

    [Fact]
    public void A_network_without_dropout_is_refused()
    {
        using var random = new Generator(1);
        using nn.Module<Tensor, Tensor> network = Classifiers.Create("e", ToySet.Shape, 3, random);
        using var model = new NetworkClassifier(network, ToySet.Shape, 3);
        string message = Assert.Throws<UserErrorException>(() => new DefensiveDropout(model, seed: 1)).Message;
        Assert.Contains("needs a network with dropout", message, StringComparison.Ordinal);
    }

    // A network that does nothing else to images of ones.
    private static NetworkClassifier Only(Func<LayerPlan, LayerPlan> dropout)
    {
        using var random = new Generator(1);
        LayerPlan plan = dropout(LayerPlan.Classifier(s_shape, DropoutReading.Drop));
        return new NetworkClassifier(plan.Build(random), s_shape, classes: 2);
    }

    private static float[] Answer(NetworkClassifier model, long seed, int count) =>
        new DefensiveDropout(model, seed).Logits(Images.Of(ones([count, 2, 50, 50]))).ToArray<float>();

    private static float[][] Rows(Tensor logits) => [.. logits.ToArray<float>().Chunk(3)];
}
