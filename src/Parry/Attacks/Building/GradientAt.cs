using static TorchSharp.torch;

namespace Parry.Attacks.Building;

/// <summary>
/// The gradient of each row's loss at points. What makes gradients transfer better to other models turns one into
/// another: <see cref="InputDiversity"/>, <see cref="ScaleInvariance"/>, <see cref="TranslationInvariance"/>.
/// </summary>
/// <param name="points">[N, C, H, W] in [0, 1], one row for each row of the batch.</param>
/// <param name="random">Random draws for the same rows.</param>
/// <returns>[N, C, H, W].</returns>
public delegate Tensor GradientAt(Tensor points, SampleRandom random);
