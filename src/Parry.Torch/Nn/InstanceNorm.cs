namespace Parry.Torch.Nn;

/// <summary>Instance normalization (Ulyanov et al., 2016): every channel of every image to mean 0 and variance 1, in both modes.</summary>
public sealed class InstanceNorm : Module
{
    private readonly long _features;
    private readonly double _epsilon;

    /// <summary>Creates the layer.</summary>
    /// <param name="features">The number of channels.</param>
    /// <param name="epsilon">Added to variances.</param>
    /// <param name="affine">Whether a learned factor (1 at first) and summand (0) per channel follow.</param>
    public InstanceNorm(long features, double epsilon = 1e-5, bool affine = false)
    {
        _features = features;
        _epsilon = epsilon;
        if (!affine) return;
        Weight = Parameter("weight", Tensor.Ones([features]));
        Bias = Parameter("bias", Tensor.Zeros([features]));
    }

    /// <summary>[C], the factor after normalization, or null.</summary>
    public Tensor? Weight { get; }

    /// <summary>[C], added after normalization, or null.</summary>
    public Tensor? Bias { get; }

    /// <summary>[N, C, H, W] to the same shape.</summary>
    public override Tensor Forward(Tensor input) => input.InstanceNorm(Weight, Bias, _epsilon);

    /// <inheritdoc/>
    public override string ToString() => $"InstanceNorm({_features})";
}
