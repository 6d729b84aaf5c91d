namespace Parry.Torch.Nn;

/// <summary>
/// Batch normalization (Ioffe and Szegedy, 2015) of [N, C] or [N, C, H, W]. In training mode it normalizes with the batch's
/// statistics and moves the running ones towards them; in evaluation mode it uses the running ones.
/// </summary>
public sealed class BatchNorm : Module
{
    private readonly double _momentum;
    private readonly double _epsilon;
    private readonly Tensor _mean;
    private readonly Tensor _variance;

    /// <summary>Creates the layer with weights 1, biases 0, running means 0 and variances 1.</summary>
    /// <param name="features">C.</param>
    /// <param name="momentum">The part of a batch's statistics in the running ones.</param>
    /// <param name="epsilon">Added to variances.</param>
    public BatchNorm(long features, double momentum = 0.1, double epsilon = 1e-5)
    {
        _momentum = momentum;
        _epsilon = epsilon;
        Weight = Parameter("weight", Tensor.Ones([features]));
        Bias = Parameter("bias", Tensor.Zeros([features]));
        _mean = Buffer("running_mean", Tensor.Zeros([features]));
        _variance = Buffer("running_var", Tensor.Ones([features]));
    }

    /// <summary>[C], the factor after normalization.</summary>
    public Tensor Weight { get; }

    /// <summary>[C], added after normalization.</summary>
    public Tensor Bias { get; }

    /// <summary>The input's shape stays.</summary>
    public override Tensor Forward(Tensor input) => input.BatchNorm(Weight, Bias, _mean, _variance, Training, _momentum, _epsilon);

    /// <inheritdoc/>
    public override string ToString() => $"BatchNorm({Weight.Size(0)})";
}
