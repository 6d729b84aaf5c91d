using static TorchSharp.torch;

namespace Parry.Models.Architectures;

/// <summary>Makes the layers that a family of published networks consists of, by their names in weight files.</summary>
internal interface ILayerSource
{
    /// <summary>A convolution and the batch norm after it.</summary>
    /// <param name="name">The name of the convolution.</param>
    /// <param name="norm">The name of the batch norm; null if there is none.</param>
    /// <param name="inputs">The number of input channels.</param>
    /// <param name="outputs">The number of output channels.</param>
    /// <param name="kernel">Height and width of the kernel.</param>
    /// <param name="stride">The stride.</param>
    /// <param name="padding">The number of zeros on each side.</param>
    /// <param name="groups">The number of groups of channels.</param>
    /// <param name="bias">Whether it has biases; if null, it has them if the file does, and must have them if no batch
    /// norm follows.</param>
    nn.Module<Tensor, Tensor> Convolution(
        string name,
        string? norm,
        int inputs,
        int outputs,
        int kernel,
        int stride = 1,
        int padding = 0,
        int groups = 1,
        bool? bias = null
    );

    /// <summary>A batch norm on its own.</summary>
    nn.Module<Tensor, Tensor> Norm(string name, int features);

    /// <summary>A fully connected layer with biases.</summary>
    nn.Module<Tensor, Tensor> Linear(string name, int inputs, int outputs);
}
