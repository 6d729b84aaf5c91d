using Parry.Torch;

namespace Parry.Generative;

/// <summary>
/// One run of an <see cref="ImageGenerator"/> on its fast path: the images, and their gradients by hand. Every transposed
/// convolution is the input gradient of a convolution whose weights have the same layout; backwards it is that convolution.
/// </summary>
public sealed class GeneratorPass
{
    private const int Stride = 2;
    private const int Padding = 2;

    private readonly ImageGenerator _generator;
    private readonly DType _compute;
    private readonly Tensor _latents;
    private readonly Tensor[] _maps = new Tensor[4];
    private readonly Tensor[] _weights = new Tensor[4];

    internal GeneratorPass(ImageGenerator generator, Tensor latents, DType compute)
    {
        _generator = generator;
        _compute = compute;
        _latents = latents.To(compute);
        long count = latents.Size(0);
        for (int i = 0; i < 4; i++)
        {
            Tensor weight = generator.Weight(i).Detach().To(compute);
            _weights[i] = i == 0 ? weight : weight.Contiguous(MemoryFormat.ChannelsLast);
        }

        ImageShape start = generator.Map(0);
        _maps[0] = _latents.Linear(_weights[0], Bias(0)).Relu().Reshape(count, start.Height, start.Width, start.Channels).Permute(0, 3, 1, 2);
        for (int i = 1; i < 4; i++)
        {
            ImageShape map = generator.Map(i);
            Tensor like = Tensor.Empty([1], compute).Expand(count, map.Channels, map.Height, map.Width);
            Tensor drawn = Convolution.InputGradient(_maps[i - 1], like, _weights[i], Stride, Padding).AddInPlace(Bias(i).Reshape(1, -1, 1, 1));
            _maps[i] = i < 3 ? drawn.Relu() : drawn.Sigmoid();
        }

        Images = _maps[3].To(DType.Float32);
    }

    /// <summary>The drawn images, [N, C, H, W] in [0, 1], float32.</summary>
    public Tensor Images { get; }

    /// <summary>The gradient with respect to the latent vectors, [N, latent].</summary>
    /// <param name="imageGradient">With respect to the images.</param>
    public Tensor LatentGradient(Tensor imageGradient) => Backward(imageGradient, weights: null).MatMul(_weights[0]).To(DType.Float32);

    /// <summary>The gradients with respect to the generator's parameters, in their order.</summary>
    /// <param name="imageGradient">With respect to the images.</param>
    public Tensor[] ParameterGradients(Tensor imageGradient)
    {
        var gradients = new Tensor[8];
        Tensor linear = Backward(imageGradient, gradients);
        gradients[0] = linear.Transpose(0, 1).MatMul(_latents).To(DType.Float32);
        gradients[1] = linear.Sum([0], DType.Float32);
        return gradients;
    }

    // Back to the linear layer's output, [N, pixels]; fills in the gradients of the weights it passes when they are wanted.
    private Tensor Backward(Tensor imageGradient, Tensor[]? weights)
    {
        Tensor gradient = imageGradient.To(_compute).ThroughSigmoid(_maps[3]);
        for (int i = 3; i > 0; i--)
        {
            if (weights is not null)
            {
                weights[2 * i] = Convolution.WeightGradient(_maps[i - 1], gradient, _weights[i], Stride, Padding).To(DType.Float32);
                weights[(2 * i) + 1] = gradient.Sum([0, 2, 3], DType.Float32);
            }

            gradient = gradient.Conv2d(_weights[i], null, Stride, Padding).ThroughRelu(_maps[i - 1]);
        }

        return gradient.Permute(0, 2, 3, 1).Reshape(gradient.Size(0), -1);
    }

    private Tensor Bias(int layer) => _generator.Bias(layer).Detach().To(_compute);
}
