using Parry.Torch;

namespace Parry.Generative;

/// <summary>
/// One run of a <see cref="WassersteinCritic"/> with its gradients by hand, the penalty's second derivative included: LeakyReLU is linear on
/// each side, so the input gradient is a chain of linear maps, and its derivative runs through the same chain forward.
/// </summary>
internal sealed class CriticPass
{
    private readonly WassersteinCritic _critic;
    private readonly DType _compute;
    private readonly Tensor[] _weights = new Tensor[4];
    private readonly Tensor[] _inputs = new Tensor[4];
    private readonly Tensor[] _before = new Tensor[3];

    public CriticPass(WassersteinCritic critic, Tensor images, DType compute)
    {
        _critic = critic;
        _compute = compute;
        for (int i = 0; i < 4; i++)
        {
            Tensor weight = critic.Weights[i].Detach().To(compute);
            _weights[i] = i < 3 ? weight.Contiguous(MemoryFormat.ChannelsLast) : weight;
        }

        Tensor map = images.Clone().To(compute).Contiguous(MemoryFormat.ChannelsLast);
        for (int i = 0; i < 3; i++)
        {
            _inputs[i] = map;
            Tensor before = map.Conv2d(_weights[i], critic.Biases[i].Detach().To(compute), WassersteinCritic.Stride, WassersteinCritic.Padding);
            map = before.LeakyRelu(WassersteinCritic.Slope);
            _before[i] = before;
        }

        _inputs[3] = map;
        Scores = Rows(map).Linear(_weights[3], critic.Biases[3].Detach().To(compute)).Squeeze(1).To(DType.Float32);
    }

    /// <summary>One number per image, [N].</summary>
    public Tensor Scores { get; }

    /// <summary>The gradient of sum(scores · weights) with respect to the images; weights are [N].</summary>
    public Tensor ImageGradient(Tensor weights)
    {
        Tensor[] signals = Backward(weights);
        return InputGradient(0, signals[0]).To(DType.Float32);
    }

    /// <summary>
    /// The critic's loss mean(fake) - mean(real) + λ · mean((‖∇‖ - 1)²), where the images are as many real ones, fake ones and mixtures, in this
    /// order, and the gradient ∇ is taken at the mixtures. Gulrajani et al., 2017, 1704.00028.
    /// </summary>
    /// <returns>The two parts of the loss and the gradients of the critic's parameters in their order.</returns>
    public (Tensor Distance, Tensor Penalty, Tensor[] Gradients) Loss(double lambda)
    {
        long count = Scores.Size(0) / 3, both = 2 * count;
        Tensor weights = Tensor.Cat([Tensor.Full([count], -1.0 / count), Tensor.Full([count], 1.0 / count), Tensor.Ones([count])]);
        Tensor distance = Scores.Slice(0, 0, both).Mul(weights.Slice(0, 0, both)).Sum();
        Tensor[] signals = Backward(weights);

        Tensor mixed = signals[0].Slice(0, both, 3 * count);
        Tensor gradient = InputGradient(0, mixed, both).To(DType.Float32);
        Tensor norm = gradient.Norm(2, [1, 2, 3], keep: true).Add(1e-12);
        Tensor penalty = norm.Sub(1).Pow(2).Mean().Mul(lambda);
        Tensor tangent = gradient.Mul(norm.Sub(1).Mul(2 * lambda / count).Div(norm)).To(_compute);

        // The mixtures' rows take part in the weights' gradients with the tangent in place of the activation.
        var gradients = new Tensor[8];
        for (int i = 0; i < 3; i++)
        {
            _inputs[i].Slice(0, both, 3 * count).CopyInPlace(tangent);
            gradients[2 * i] = Convolution.WeightGradient(signals[i], _inputs[i], _weights[i], WassersteinCritic.Stride, WassersteinCritic.Padding).To(DType.Float32);
            gradients[(2 * i) + 1] = signals[i].Slice(0, 0, both).Sum([0, 2, 3], DType.Float32);
            tangent = tangent.Conv2d(_weights[i], null, WassersteinCritic.Stride, WassersteinCritic.Padding).ThroughLeakyRelu(_before[i].Slice(0, both, 3 * count), WassersteinCritic.Slope);
        }

        _inputs[3].Slice(0, both, 3 * count).CopyInPlace(tangent);
        gradients[6] = weights.Unsqueeze(0).MatMul(Rows(_inputs[3]).To(DType.Float32));
        gradients[7] = weights.Slice(0, 0, both).Sum().Reshape(1);
        return (distance, penalty, gradients);
    }

    // The gradient of sum(scores · weights) with respect to what each convolution gives out, before LeakyReLU.
    private Tensor[] Backward(Tensor weights)
    {
        var signals = new Tensor[3];
        Tensor top = _inputs[3];
        Tensor signal = weights.To(_compute).Unsqueeze(1).MatMul(_weights[3])
            .Reshape(top.Size(0), top.Size(2), top.Size(3), top.Size(1)).Permute(0, 3, 1, 2);
        for (int i = 2; i >= 0; i--)
        {
            signals[i] = signal.ThroughLeakyRelu(_before[i], WassersteinCritic.Slope);
            if (i > 0) signal = InputGradient(i, signals[i]);
        }

        return signals;
    }

    private Tensor InputGradient(int layer, Tensor signal, long from = 0) =>
        Convolution.InputGradient(signal, _inputs[layer].Slice(0, from, from + signal.Size(0)), _weights[layer], WassersteinCritic.Stride, WassersteinCritic.Padding);

    private static Tensor Rows(Tensor map) => map.Permute(0, 2, 3, 1).Flatten();
}
