namespace Parry.Torch.Nn;

/// <summary>Group normalization (Wu and He, 2018, 1803.08494): every group of channels of every image to mean 0 and variance 1, then a learned factor (1 at first) and summand (0) per channel.</summary>
public sealed class GroupNorm : Module
{
    private const double Epsilon = 1e-5;

    private readonly long _groups;

    /// <summary>Creates the layer.</summary>
    /// <param name="groups">The number of groups.</param>
    /// <param name="features">The number of channels, a multiple of the groups.</param>
    public GroupNorm(long groups, long features)
    {
        if (groups < 1 || features % groups != 0) throw new ArgumentException($"{features} channels do not fall into {groups} equal groups.", nameof(groups));
        _groups = groups;
        Weight = Parameter("weight", Tensor.Ones([features]));
        Bias = Parameter("bias", Tensor.Zeros([features]));
    }

    /// <summary>[C], the factor after normalization.</summary>
    public Tensor Weight { get; }

    /// <summary>[C], added after normalization.</summary>
    public Tensor Bias { get; }

    /// <summary>[N, C, H, W] to the same shape.</summary>
    public override Tensor Forward(Tensor input) => input.GroupNorm(_groups, Weight, Bias, Epsilon);

    /// <inheritdoc/>
    public override string ToString() => $"GroupNorm({_groups}, {Weight.Size(0)})";
}
