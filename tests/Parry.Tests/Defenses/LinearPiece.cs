using Parry.Models;
using Parry.Models.Architectures;
using Parry.Models.Architectures.Layers;
using Parry.Models.Training;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Parry.Tests.Defenses;

/// <summary>A piece of a batch in front of a linear network, whose loss and gradient can be written down.</summary>
internal sealed class LinearPiece : IDisposable
{
    public const int Count = 5;
    public const int Pixels = 36;
    public const int Classes = 3;

    public LinearPiece(double scale = 1)
    {
        using var random = new Generator(3);
        Linear = Layer.Linear(Pixels, Classes, random);
        using (no_grad())
            Linear.weight.mul_(scale);
        Linear.RequireGrad();
        var network = Layer.Sequential(("flatten", Layer.Flatten()), ("fc", Linear));
        Classifier = new NetworkClassifier(network, new ImageShape(1, 6, 6), Classes);
        Piece = new TrainingPiece
        {
            Classifier = Classifier,
            Images = rand([Count, 1, 6, 6], generator: random).mul_(0.8).add_(0.1),
            Labels = tensor(new long[] { 0L, 1, 2, 0, 1 }),
            Random = new SampleRandom(1, new long[] { 10, 11, 12, 13, 14 }),
            BatchSeed = 4,
            Epoch = 0.5,
            Step = 0.1,
        };
    }

    public Linear Linear { get; }

    public NetworkClassifier Classifier { get; }

    public TrainingPiece Piece { get; }

    /// <summary>A training loss of the piece, or of another, with its attack.</summary>
    public (Tensor Loss, Tensor Logits) LossOf(ITrainingLoss loss, TrainingPiece? piece = null)
    {
        piece ??= Piece;
        using (no_grad())
            piece = piece with { Attacked = loss.Attacked(piece) };
        return loss.Of(Classifier.Network, piece);
    }

    /// <summary>Softmax of the logits over a temperature, [N, classes].</summary>
    public Tensor Probabilities(Tensor images, double temperature = 1) =>
        nn.functional.linear(images.flatten(1), Linear.weight, Linear.bias).div(temperature).softmax(-1);

    /// <summary>One for the label's class, [N, classes].</summary>
    public static Tensor OneHot(Tensor labels) => nn.functional.one_hot(labels, Classes).to(ScalarType.Float32);

    public void Dispose() => Classifier.Dispose();
}
