using Parry.Models;
using Parry.Torch;
using Parry.Torch.Nn;

namespace Parry.Tests.Defenses;

/// <summary>A piece of a batch in front of a linear network, whose loss and gradient can be written down.</summary>
internal sealed class LinearPiece : IDisposable
{
    public const int Count = 5, Pixels = 36, Classes = 3;

    public LinearPiece(double scale = 1)
    {
        using var random = new Parry.Torch.Generator(3);
        Linear = new Linear(Pixels, Classes, random);
        using (Autograd.NoGrad()) Linear.Weight.MulInPlace(scale);
        Linear.RequireGrad();
        var network = new Sequential(("flatten", new Flatten()), ("fc", Linear));
        Classifier = new NetworkClassifier(network, new ImageShape(1, 6, 6), Classes);
        Piece = new TrainingPiece
        {
            Network = network,
            Classifier = Classifier,
            Images = Tensor.Uniform([Count, 1, 6, 6], random).MulInPlace(0.8).AddInPlace(0.1),
            Labels = Tensor.From([0L, 1, 2, 0, 1]),
            Random = new SampleRandom(1, new long[] { 10, 11, 12, 13, 14 }),
            BatchSeed = 4,
            Epoch = 0.5,
        };
    }

    public Linear Linear { get; }

    public NetworkClassifier Classifier { get; }

    public TrainingPiece Piece { get; }

    /// <summary>Softmax of the logits over a temperature, [N, classes].</summary>
    public Tensor Probabilities(Tensor images, double temperature = 1) => images.Flatten().Linear(Linear.Weight, Linear.Bias).Div(temperature).Softmax();

    /// <summary>One for the label's class, [N, classes].</summary>
    public static Tensor OneHot(Tensor labels) => labels.OneHot(Classes).To(DType.Float32);

    public void Dispose() => Classifier.Dispose();
}
