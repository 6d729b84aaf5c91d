using Parry.Attacks;
using Parry.Catalogs;
using Parry.Models;
using Parry.Models.Architectures.Layers;
using Parry.Models.Files;
using Parry.Runtime;
using Parry.Tests.Attacks;
using Parry.Tests.Attacks.Conformance;
using static TorchSharp.torch;

namespace Parry.Tests.Snapshots;

/// <summary>
/// What every attack of the catalog does, at cheap settings, on a linear model, a small convolutional network with
/// weights from a formula, and a shipped network. How far
/// each may be from the record is in <see cref="AttackRules"/>. PARRY_SHAKE_SNAPSHOTS=k multiplies what the models see
/// by 1 + k · 2^-23: the rules bear such changes of last bits.
/// </summary>
public class AttackSnapshotTests
{
    private static readonly ImageShape s_small = new(1, 6, 6);

    private static readonly string[] s_exact = ["ground-truth", "ground-truth:norm=l1"];

    // On 784 pixels float32 rounds the L1 norm by more than the runner lets a budget be passed by: it throws or not by
    // the last bits.
    private static readonly string[] s_notOnLargerImages = ["pgd:eps=0.4,0.15,norm=l1,steps=12"];

    [Fact]
    public void Attacks_on_a_linear_model_do_what_is_recorded()
    {
        var problem = new LinearProblem(Norm.Linf, classes: 4, count: 8, seed: 11);
        long[] labels = problem.Labels.ToArray<long>();
        labels[3] = (labels[3] + 1) % 4;
        Check("attacks-linear", problem.Model, problem.Images, labels, Texts());
    }

    [Fact]
    public void Attacks_on_a_small_network_do_what_is_recorded()
    {
        using NetworkClassifier model = SmallNetwork();
        using Tensor images = MadeImages.Batch(
            s_small,
            MadeImages.NearBoundary(model, MadeImages.Noise(s_small, 6, seed: 22), nearest: 4, each: 8)
        );
        Check("attacks-network", model, images, Labels(model, images), Texts());
    }

    [Fact]
    public void Attacks_on_a_shipped_network_do_what_is_recorded()
    {
        var (model, _) = ModelFile.LoadClassifier(ModelCatalog.Find("mnist/e"));
        using (model)
        {
            using Tensor images = MadeImages.Batch(
                model.Shape,
                MadeImages.NearBoundary(model, MadeImages.Strokes(model.Shape, 4, seed: 23), nearest: 6, each: 50)
            );
            Check("attacks-mnist-e", model, images, Labels(model, images), Texts().Except(s_notOnLargerImages));
        }
    }

    [Fact]
    public void Exact_attacks_on_a_linear_model_do_what_is_recorded()
    {
        var problem = new LinearProblem(Norm.Linf, classes: 4, count: 4, seed: 11);
        Check("attacks-exact", problem.Model, problem.Images, problem.Labels.ToArray<long>(), s_exact);
    }

    private static IEnumerable<string> Texts() =>
        ((IEnumerable<object[]>)AttackConformanceTests.Attacks).Select(row => (string)row[0]).Except(s_exact);

    internal static NetworkClassifier SmallNetwork()
    {
        using var random = new Generator(0);
        var network = Layer.Sequential(
            new Rescale(2, -1),
            Layer.Conv2d(1, 4, 3, random, padding: 1),
            nn.ReLU(),
            Layer.Flatten(),
            Layer.Linear(144, 24, random),
            nn.ReLU(),
            Layer.Linear(24, 4, random)
        );
        MadeImages.Fill(network, seed: 21, gain: 2);
        return new NetworkClassifier(network, s_small, 4);
    }

    private static long[] Labels(NetworkClassifier model, Tensor images)
    {
        using Tensor predicted = ((IClassifier)model).Predict(images);
        return predicted.ToArray<long>();
    }

    private static void Check(string name, IClassifier model, Tensor images, long[] labels, IEnumerable<string> texts)
    {
        model = new Shaken(model);
        string folder = Directory.CreateTempSubdirectory().FullName;
        string linear = Path.Combine(folder, "linear.safetensors");
        new LinearClassifier(model.Shape, model.Classes, seed: 31).SaveAsNetwork(linear);
        var snapshot = new Snapshot(name);
        foreach (string text in texts)
        {
            using var goalScope = NewDisposeScope();
            Goal goal = Goal.Untargeted(tensor(labels));
            string failure = "";
            try
            {
                AttackSpec parsed = AttackCatalog.Parse(text.Replace("LINEAR", linear, StringComparison.Ordinal));
                AttackSpec attack = parsed.Train(model, new AttackRun(images, goal, 1));
                if (attack.Training is { } training)
                {
                    snapshot.Exact(text, "passes of the training", training.Queries, training.Gradients);
                }
                foreach (AttackResult result in attack.Run(model, new AttackRun(images, goal, 1)))
                {
                    using (result)
                        Add(snapshot, text, model, labels, result);
                }
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                failure = $": {e.GetType().Name}: {e.Message.ReplaceLineEndings(" ")}";
            }

            snapshot.Exact(text, "ran" + failure, failure.Length == 0 ? 1 : 0);
        }

        Directory.Delete(folder, recursive: true);
        snapshot.Check();
    }

    private static void Add(Snapshot snapshot, string text, IClassifier model, long[] labels, AttackResult result)
    {
        string group = result.Epsilon is { } epsilon
            ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{text} at {epsilon}")
            : text;
        AttackRules rules = AttackRules.Of(text);
        snapshot.Exact(group, "attacked", Numbers(result.Attacked));
        snapshot.Add(group, "succeeded", Numbers(result.Succeeded), rules.Successes);
        snapshot.Add(group, "l0", result.L0.Select(value => (double)value), rules.L0);
        snapshot.Add(group, "l1", result.L1.Select(value => (double)value), rules.Distances);
        snapshot.Add(group, "l2", result.L2.Select(value => (double)value), rules.Distances);
        snapshot.Add(group, "linf", result.Linf.Select(value => (double)value), rules.Distances);
        snapshot.Add(group, "queries", result.Queries, rules.Passes);
        snapshot.Add(group, "gradients", result.Gradients, rules.Passes);
        snapshot.Add(group, "margin", Margins(model, labels, result.Attempts), rules.Margins);
    }

    private static double[] Numbers(bool[] verdicts) => [.. verdicts.Select(verdict => verdict ? 1.0 : 0)];

    // By how much what the attack tried is beyond the decision boundary: the best other logit minus the true class's.
    private static double[] Margins(IClassifier model, long[] labels, Tensor attempts)
    {
        using Tensor logits = model.Logits(attempts);
        float[][] rows = MadeImages.Rows(logits);
        return [.. rows.Select((row, i) => (double)row.Where((_, label) => label != labels[i]).Max() - row[labels[i]])];
    }

    /// <summary>A model that sees images with other last bits where that is asked for.</summary>
    private sealed class Shaken(IClassifier model) : IClassifier, ILayered
    {
        public nn.Module<Tensor, Tensor>? Network => (model as ILayered)?.Network;

        public ImageShape Shape => model.Shape;

        public int Classes => model.Classes;

        public Tensor Logits(Images images) => model.Logits(images.With(MadeImages.Shaken(images.Pixels)));
    }
}
