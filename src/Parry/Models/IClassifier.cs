using static TorchSharp.torch;

namespace Parry.Models;

/// <summary>A model whose logits can be differentiated, which is what a white-box attack needs.</summary>
public interface IClassifier : IScorer
{
    /// <summary>Computes logits [N, classes]; autograd records them when the images require gradients.</summary>
    Tensor Logits(Images images);

    /// <inheritdoc/>
    Tensor IScorer.Probabilities(Images images) => Logits(images).softmax(-1);

    /// <inheritdoc/>
    Tensor IPredictor.Predict(Images images) => Predictions.OfScores(Logits(images));

    /// <summary>
    /// Runs one forward and one backward pass: gives the logits, a loss of them, and the gradient of the summed loss
    /// with respect to the images. Attacks differentiate only through this method, so that a wrapper can count, average
    /// or replace gradients.
    /// </summary>
    /// <param name="images">N images.</param>
    /// <param name="loss">Maps logits [N, classes] to one loss per image, [N].</param>
    /// <exception cref="UserErrorException">The model cannot be differentiated.</exception>
    LossGradient Gradient(Images images, Func<Tensor, Tensor> loss) => GradientPass.Of(this, images, loss);

    /// <summary>
    /// Gives the gradients of several losses of each image. By default it is <see cref="Gradient"/> of as many copies
    /// of the images, which holds for whatever a wrapper does to gradients; a plain network shares one forward pass.
    /// </summary>
    /// <param name="images">N images.</param>
    /// <param name="count">K, the number of losses.</param>
    /// <param name="losses">Maps logits [N, classes] to K losses per image, [N, K].</param>
    /// <exception cref="UserErrorException">The model cannot be differentiated.</exception>
    Jacobian Jacobian(Images images, int count, Func<Tensor, Tensor> losses) =>
        GradientPass.OfCopies(this, images, count, losses);
}
