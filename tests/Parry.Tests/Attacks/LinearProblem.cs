using Parry.Attacks;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Attacks;

/// <summary>
/// Images in the middle of the box in front of a linear model, all with the same known distance to the nearest other
/// class, in one norm.
/// </summary>
internal sealed class LinearProblem
{
    public LinearProblem(Norm norm, int classes, int count, int seed)
    {
        (Norm, Distance) = (norm, norm == Norm.Linf ? 0.02 : 0.2);
        Model = new LinearClassifier(new ImageShape(1, 6, 6), classes, seed);
        var random = new Random(seed);
        var values = new List<float>();
        var labels = new long[count];
        for (int i = 0; i < count; i++)
        {
            double[] image =
            [
                .. Enumerable.Range(0, Model.Shape.Pixels).Select(_ => 0.4 + (0.2 * random.NextDouble())),
            ];
            double[] logits = Logits(image);
            int label = Array.IndexOf(logits, logits.Max());

            // The nearest boundary, and the move along its normal that leaves just the wanted distance to it: small
            // moves leave it the nearest.
            double Length(int other) => Dual(norm, Difference(label, other));
            int nearest = Others(label).MinBy(other => (logits[label] - logits[other]) / Length(other));
            double[] normal = Difference(label, nearest);
            double excess = logits[label] - logits[nearest] - (Distance * Length(nearest));
            double square = normal.Sum(v => v * v);
            for (int j = 0; j < image.Length; j++)
                image[j] -= excess / square * normal[j];
            logits = Logits(image);
            double closest = Others(label).Min(other => (logits[label] - logits[other]) / Length(other));
            if (closest < Distance * 0.999 || image.Any(v => v is < 0.2 or > 0.8))
            {
                i--;
                continue;
            }

            values.AddRange(image.Select(v => (float)v));
            labels[i] = label;
        }

        Images = tensor(values.ToArray(), [count, 1, 6, 6]).DetachFromDisposeScope();
        Labels = tensor(labels).DetachFromDisposeScope();
    }

    public LinearClassifier Model { get; }

    public Norm Norm { get; }

    /// <summary>Of every image to the nearest other class.</summary>
    public double Distance { get; }

    public Tensor Images { get; }

    public Tensor Labels { get; }

    /// <summary>Away from the labels; or, with two classes, towards the other one.</summary>
    public Goal Goal(bool targeted) =>
        targeted
            ? Parry.Attacks.Goal.Targeted(
                tensor(Labels.ToArray<long>().Select(label => 1 - label).ToArray()).DetachFromDisposeScope()
            )
            : Parry.Attacks.Goal.Untargeted(Labels);

    private double[] Logits(double[] image) =>
        [.. Model.W.Select(row => row.Zip(image, (w, x) => w * (x - 0.5)).Sum())];

    private double[] Difference(int a, int b) => [.. Model.W[a].Zip(Model.W[b], (x, y) => (double)x - y)];

    private IEnumerable<int> Others(int label) => Enumerable.Range(0, Model.Classes).Where(other => other != label);

    // A margin m with normal w is at the distance m / |w| in the norm dual to the perturbation's.
    private static double Dual(Norm norm, double[] w) =>
        norm switch
        {
            Norm.Linf => w.Sum(Math.Abs),
            Norm.L2 => Math.Sqrt(w.Sum(v => v * v)),
            _ => w.Max(Math.Abs),
        };
}
