using System.Diagnostics;
using Parry.Attacks;
using Parry.Attacks.Exact;
using Parry.Catalogs;
using Parry.Models;
using Parry.Models.Architectures.Layers;
using Parry.Runtime;
using Parry.Tests.Attacks.Conformance;
using static TorchSharp.torch;

namespace Parry.Tests.Attacks;

public class GroundTruthTests
{
    [Fact]
    public void Bounds_every_attack_of_the_catalog_from_below()
    {
        using NetworkClassifier model = Network(new ImageShape(1, 6, 6), [12, 12, 4], seed: 3);
        using var random = new Generator(4);
        using Tensor images = rand([3, 1, 6, 6], generator: random);
        using Tensor labels = ((IClassifier)model).Predict(images);
        Goal goal = Goal.Untargeted(labels);
        var proven = new[] { Norm.Linf, Norm.L1 }.ToDictionary(norm => norm, norm => Prove(norm, model, images, goal));
        IEnumerable<string> attacks = ((IEnumerable<object[]>)AttackConformanceTests.Asking)
            .Select(row => (string)row[0])
            .Where(text => text.Split(':')[0] != "ground-truth");
        int compared = 0;
        foreach (string text in attacks.DistinctBy(text => text.Split(':')[0]))
        {
            foreach (AttackResult result in AttackCatalog.Parse(text).Run(model, new AttackRun(images, goal, 1)))
            {
                using (result)
                {
                    foreach (var (norm, bounds) in proven)
                        compared += Compare(text, result, norm, bounds);
                }
            }
        }

        Assert.True(compared > 40, $"only {compared} attacks succeeded");
    }

    private static double[] Prove(Norm norm, NetworkClassifier model, Tensor images, Goal goal)
    {
        var (found, distances) = new GroundTruth { Norm = norm }.Prove(model, images, goal);
        using Tensor change = found.sub(images);
        Assert.All(goal.IsReached(((IClassifier)model).Predict(found)).ToArray<bool>(), Assert.True);
        Assert.All(
            distances.Zip(norm.Of(change).ToArray<float>()),
            pair =>
            {
                Assert.True(pair.First.Proven, pair.First.ToString());
                Assert.Equal(pair.First.UpperBound, pair.Second, 1e-6);
            }
        );
        return [.. distances.Select(distance => distance.LowerBound)];
    }

    private static int Compare(string text, AttackResult result, Norm norm, double[] bounds)
    {
        int compared = 0;
        for (int i = 0; i < bounds.Length; i++)
        {
            if (!result.Succeeded[i])
                continue;
            compared++;
            double distance = result.Distances(norm)[i];
            Assert.True(
                distance >= bounds[i] - 1e-5,
                $"{text}: {distance} in {norm} on image {i}, where {bounds[i]} is proven"
            );
        }

        return compared;
    }

    [Theory]
    [InlineData(Norm.Linf, false)]
    [InlineData(Norm.Linf, true)]
    [InlineData(Norm.L1, false)]
    [InlineData(Norm.L1, true)]
    public void Finds_what_trying_all_images_finds(Norm norm, bool targeted)
    {
        const int Grid = 400;
        using Tensor images = tensor(new float[] { 0.3f, 0.6f, 0.9f, 0.1f, 0.5f, 0.5f }, [3, 1, 1, 2]);
        using Tensor all = tensor(
            (float[])
                [
                    .. Enumerable
                        .Range(0, (Grid + 1) * (Grid + 1))
                        .SelectMany(i => new[] { i / (Grid + 1) / (float)Grid, i % (Grid + 1) / (float)Grid }),
                ],
            [(Grid + 1) * (Grid + 1), 1, 1, 2]
        );
        using NetworkClassifier model = Enumerable
            .Range(0, 1000)
            .Select(seed => Network(new ImageShape(1, 1, 2), [5, 4, 3], seed))
            .First(HasAllClasses);
        long[] classes = ((IClassifier)model).Predict(all).ToArray<long>();
        long[] own = ((IClassifier)model).Predict(images).ToArray<long>();
        Goal goal = targeted
            ? Goal.Targeted(tensor(own.Select(label => (label + 1) % 3).ToArray()))
            : Goal.Untargeted(tensor(own));
        var (_, distances) = new GroundTruth { Norm = norm }.Prove(model, images, goal);
        Assert.Contains(distances, distance => double.IsFinite(distance.UpperBound));
        for (int i = 0; i < own.Length; i++)
        {
            using Tensor apart = all.sub(images.slice(0, i, i + 1, 1));
            float[] lengths = norm.Of(apart).ToArray<float>();
            double nearest = Enumerable
                .Range(0, lengths.Length)
                .Where(at => targeted ? classes[at] == (own[i] + 1) % 3 : classes[at] != own[i])
                .Select(at => (double)lengths[at])
                .Append(double.PositiveInfinity)
                .Min();
            Assert.True(distances[i].Proven);
            Assert.InRange(distances[i].LowerBound, nearest - (2.0 / Grid), nearest + 1e-6);
        }

        bool HasAllClasses(IClassifier candidate) => candidate.Predict(all).ToArray<long>().Distinct().Count() == 3;
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Reads_convolutions(bool targeted)
    {
        using var random = new Generator(2);
        using var model = new NetworkClassifier(
            Layer.Sequential(
                Layer.Conv2d(1, 2, 3, random, stride: 2, padding: 1),
                nn.ReLU(),
                Layer.Flatten(),
                Layer.Linear(18, 2, random)
            ),
            new ImageShape(1, 6, 6),
            2
        );
        using Tensor images = rand([3, 1, 6, 6], generator: random);
        using Tensor labels = ((IClassifier)model).Predict(images);
        Goal goal = targeted
            ? Goal.Targeted(tensor(labels.ToArray<long>().Select(label => 1 - label).ToArray()))
            : Goal.Untargeted(labels);
        var (found, distances) = new GroundTruth().Prove(model, images, goal);
        bool[] reached = goal.IsReached(((IClassifier)model).Predict(found)).ToArray<bool>();
        Assert.All(
            distances.Zip(reached),
            pair => Assert.Equal((true, double.IsFinite(pair.First.UpperBound)), (pair.First.Proven, pair.Second))
        );
    }

    [Theory]
    [InlineData(Norm.Linf)]
    [InlineData(Norm.L1)]
    public void When_no_time_is_left_the_best_found_stands_beside_what_is_proven(Norm norm)
    {
        using NetworkClassifier model = Network(new ImageShape(1, 6, 6), [12, 12, 4], seed: 3);
        using Tensor images = full([2, 1, 6, 6], 0.5);
        using Tensor labels = ((IClassifier)model).Predict(images);
        Goal goal = Goal.Untargeted(labels);
        var (found, distances) = new GroundTruth { Norm = norm, Seconds = 0 }.Prove(model, images, goal);
        Assert.All(goal.IsReached(((IClassifier)model).Predict(found)).ToArray<bool>(), Assert.True);
        Assert.All(
            distances,
            distance =>
                Assert.True(
                    !distance.Proven
                        && distance.LowerBound < distance.UpperBound
                        && double.IsFinite(distance.UpperBound),
                    distance.ToString()
                )
        );
    }

    [Fact]
    public void The_same_is_found_each_time()
    {
        using NetworkClassifier model = Network(new ImageShape(1, 6, 6), [12, 12, 4], seed: 3);
        using Tensor images = full([1, 1, 6, 6], 0.5);
        using Tensor labels = ((IClassifier)model).Predict(images);
        Goal goal = Goal.Untargeted(labels);
        var (first, proven) = new GroundTruth().Prove(model, images, goal);
        var (second, again) = new GroundTruth().Prove(model, images, goal);
        Assert.Equal(proven, again);
        Assert.Equal(first.ToArray<float>(), second.ToArray<float>());
    }

    [Fact]
    public void A_search_can_be_canceled_while_the_solver_works()
    {
        // What takes SCIP more than 20 seconds.
        var random = new Random(2);
        ReluNetwork.Affine[] layers = [Random(64, 48), Random(48, 48), Random(48, 9)];
        var region = new Region(Norm.Linf, [.. Enumerable.Repeat(0.5, 64)], 0.5);
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(0.3));
        var clock = Stopwatch.StartNew();

        Assert.Throws<OperationCanceledException>(() =>
            MixedIntegerProgram.Minimize(layers, new Bounds(layers, region), region, true, 600, stop.Token)
        );

        Assert.InRange(clock.Elapsed.TotalSeconds, 0.2, 20);

        ReluNetwork.Affine Random(int inputs, int outputs) =>
            new([.. Enumerable.Range(0, outputs).Select(_ => Row(inputs))], Row(outputs));

        double[] Row(int count) => [.. Enumerable.Range(0, count).Select(_ => random.NextDouble() - 0.5)];
    }

    [Fact]
    public void A_model_that_is_no_small_ReLU_network_is_refused()
    {
        var shape = new ImageShape(1, 6, 6);
        using var random = new Generator(1);
        using var leaky = new NetworkClassifier(
            Layer.Sequential(
                Layer.Flatten(),
                Layer.Linear(36, 4, random),
                nn.LeakyReLU(0.1),
                Layer.Linear(4, 2, random)
            ),
            shape,
            2
        );
        using var large = new NetworkClassifier(
            Layer.Sequential(Layer.Flatten(), Layer.Linear(36, 5000, random), nn.ReLU(), Layer.Linear(5000, 2, random)),
            shape,
            2
        );
        Assert.Contains("layers it can see", Refused(new SmallNetwork(shape, 2, seed: 1)), StringComparison.Ordinal);
        Assert.Contains("LeakyRelu(0.1)", Refused(leaky), StringComparison.Ordinal);
        Assert.Contains("up to 4096", Refused(large), StringComparison.Ordinal);

        string Refused(IClassifier model)
        {
            using Tensor images = full([1, 1, 6, 6], 0.5);
            using Tensor labels = model.Predict(images);
            return Assert
                .Throws<UserErrorException>(() => new GroundTruth().Prove(model, images, Goal.Untargeted(labels)))
                .Message;
        }
    }

    private static NetworkClassifier Network(ImageShape shape, long[] units, long seed)
    {
        using var random = new Generator((ulong)seed);
        var layers = new List<nn.Module<Tensor, Tensor>> { Layer.Flatten() };
        long inputs = shape.Pixels;
        foreach (long outputs in units)
        {
            var layer = Layer.Linear(inputs, outputs, random);

            // Larger weights bend more.
            layer.weight.mul_(3.0);
            if (inputs != shape.Pixels)
                layers.Add(nn.ReLU());
            layers.Add(layer);
            inputs = outputs;
        }

        return new NetworkClassifier(Layer.Sequential([.. layers]), shape, (int)units[^1]);
    }
}
