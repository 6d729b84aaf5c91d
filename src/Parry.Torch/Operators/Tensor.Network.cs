namespace Parry.Torch;

/// <content>Layers: convolution, pooling, normalization, activation, loss.</content>
public sealed partial class Tensor
{
    private static readonly Operator s_linear = new("linear");
    private static readonly Operator s_conv2d = new("conv2d");
    private static readonly Operator s_convTranspose2dInput = new("conv_transpose2d.input");
    private static readonly Operator s_maxPool2d = new("max_pool2d");
    private static readonly Operator s_avgPool2d = new("avg_pool2d");
    private static readonly Operator s_adaptiveAvgPool2d = new("adaptive_avg_pool2d");
    private static readonly Operator s_upsampleBilinear2d = new("upsample_bilinear2d");
    private static readonly Operator s_upsampleNearest2d = new("upsample_nearest2d");
    private static readonly Operator s_relu = new("relu");
    private static readonly Operator s_leakyRelu = new("leaky_relu");
    private static readonly Operator s_sigmoid = new("sigmoid");
    private static readonly Operator s_softplus = new("softplus");
    private static readonly Operator s_batchNorm = new("batch_norm");
    private static readonly Operator s_instanceNorm = new("instance_norm");
    private static readonly Operator s_groupNorm = new("group_norm");
    private static readonly Operator s_silu = new("silu");
    private static readonly Operator s_leakyReluBackward = new("leaky_relu_backward");
    private static readonly Operator s_thresholdBackward = new("threshold_backward");
    private static readonly Operator s_sigmoidBackward = new("sigmoid_backward");
    private static readonly Operator s_gridSamplerBackward = new("grid_sampler_2d_backward");
    private static readonly Operator s_nllLoss = new("nll_loss");
    private static readonly Operator s_gridSampler = new("grid_sampler");

    /// <summary>x · weightᵀ + bias.</summary>
    public Tensor Linear(Tensor weight, Tensor? bias = null) => s_linear.Call(this, weight, bias);

    /// <summary>Convolution of [N, C, H, W] with weights [out, in, kh, kw].</summary>
    public Tensor Conv2d(Tensor weight, Tensor? bias = null, long stride = 1, long padding = 0, long dilation = 1, long groups = 1) => s_conv2d.Call(this, weight, bias, stride, padding, dilation, groups);

    /// <summary>Transposed convolution of [N, C, H, W] with weights [in, out, kh, kw].</summary>
    public Tensor ConvTranspose2d(Tensor weight, Tensor? bias = null, long stride = 1, long padding = 0, long outputPadding = 0) => s_convTranspose2dInput.Call(this, weight, bias, stride, padding, outputPadding);

    /// <summary>Largest value of each window.</summary>
    public Tensor MaxPool2d(long kernel, long stride) => s_maxPool2d.Call(this, kernel, stride);

    /// <summary>Mean of each window.</summary>
    public Tensor AvgPool2d(long kernel, long stride) => s_avgPool2d.Call(this, kernel, stride);

    /// <summary>Mean of windows that give the wanted height and width.</summary>
    public Tensor AdaptiveAvgPool2d(long height, long width) => s_adaptiveAvgPool2d.Call(this, new[] { height, width });

    /// <summary>Reads [N, C, H, W] between pixels (bilinear) at points [N, h, w, 2] as (x, y), where -1 and 1 are the outer edges; beyond them the edge goes on.</summary>
    public Tensor GridSample(Tensor points) => s_gridSampler.Call(this, points, 0, 1, false);

    /// <summary>[N, C, h, w] resized to another height and width, bilinearly between the centers of pixels.</summary>
    public Tensor ResizeBilinear(long height, long width) => s_upsampleBilinear2d.Call(this, new[] { height, width }, false);

    /// <summary>[N, C, h, w] resized to another height and width; every pixel takes the value of the nearest one.</summary>
    public Tensor ResizeNearest(long height, long width) => s_upsampleNearest2d.Call(this, new[] { height, width });

    /// <summary>max(x, 0).</summary>
    public Tensor Relu() => s_relu.Call(this);

    /// <summary>x, or slope · x below zero.</summary>
    public Tensor LeakyRelu(double slope) => s_leakyRelu.Call(this, slope);

    /// <summary>1 / (1 + exp(-x)).</summary>
    public Tensor Sigmoid() => s_sigmoid.Call(this);

    /// <summary>log(1 + exp(x)).</summary>
    public Tensor Softplus() => s_softplus.Call(this);

    /// <summary>x · sigmoid(x).</summary>
    public Tensor Silu() => s_silu.Call(this);

    /// <summary>Batch normalization with running statistics, which training mode updates.</summary>
    public Tensor BatchNorm(Tensor? weight, Tensor? bias, Tensor? mean, Tensor? variance, bool training, double momentum, double epsilon) => s_batchNorm.Call(this, weight, bias, mean, variance, training, momentum, epsilon, false);

    /// <summary>Normalization of every channel of every image.</summary>
    public Tensor InstanceNorm(Tensor? weight, Tensor? bias, double epsilon) => s_instanceNorm.Call(this, weight, bias, Value.None, Value.None, true, 0.0, epsilon, false);

    /// <summary>Normalization of every group of channels of every image.</summary>
    public Tensor GroupNorm(long groups, Tensor? weight, Tensor? bias, double epsilon) => s_groupNorm.Call(this, groups, weight, bias, epsilon, false);

    /// <summary>Negative log-likelihood of int64 labels; reduction 0 none, 1 mean, 2 sum.</summary>
    public Tensor NllLoss(Tensor labels, int reduction) => s_nllLoss.Call(this, labels, Value.None, reduction);

    /// <summary>This gradient through a bilinear reading of an image at points, back to the points, [N, h, w, 2].</summary>
    public Tensor ThroughGridSample(Tensor image, Tensor points) => s_gridSamplerBackward.CallMany(this, image, points, 0, 1, false, Value.Flags(false, true))[1]!;

    /// <summary>This gradient through a LeakyReLU that had this input.</summary>
    public Tensor ThroughLeakyRelu(Tensor input, double slope) => s_leakyReluBackward.Call(this, input, slope, false);

    /// <summary>This gradient through a ReLU that gave this output.</summary>
    public Tensor ThroughRelu(Tensor output) => s_thresholdBackward.Call(this, output, 0);

    /// <summary>This gradient through a sigmoid that gave this output.</summary>
    public Tensor ThroughSigmoid(Tensor output) => s_sigmoidBackward.Call(this, output);
}
