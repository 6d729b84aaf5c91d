using static TorchSharp.torch;

namespace Parry.Models.Architectures;

/// <summary>
/// The classifier architectures by name. All return logits.
/// <list type="bullet">
/// <item><c>classifier-a</c> to <c>classifier-f</c>: A to F of Defense-GAN (Samangouei, Kabkab, Chellappa, 2018,
/// 1805.06605), as its code builds them.</item>
/// <item><c>lenet</c>: the small network that many public MNIST models are.</item>
/// <item><c>madry</c>: the MNIST network of PGD training (Madry et al., 2017, 1706.06083).</item>
/// <item><c>carlini</c>: the MNIST network of Carlini and Wagner (2016, 1608.04644), which defensive distillation and
/// MagNet use too, and AdvGAN as its C.</item>
/// <item><c>carlini-half</c>: the same with half the filters and hidden units, as a student for distillation.</item>
/// <item><c>tramer-a</c>, <c>tramer-b</c>: A and B of AdvGAN (Xiao et al., 2018, 1801.02610), after Tramèr et al.
/// (2017, 1705.07204).</item>
/// </list>
/// </summary>
/// <remarks>
/// Where Defense-GAN's code differs from its table, the code decides: C's second convolution is 5x5 (the table says
/// 3x3), and D has one dropout. AdvGAN's B has its dropout after the first convolution; Tramèr's, like
/// <c>classifier-b</c>, has it on the pixels. Initial weights have unit norm, or are He's with batch normalization, and
/// biases are 0, whatever the papers used.
/// </remarks>
public static class Classifiers
{
    private const string Prefix = "classifier-";

    private static readonly string[] s_normalized = ["resnet32", "wideresnet-34-10", "vgg13-bn"];

    /// <summary>The names of the architectures, as in weight files.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        "classifier-a",
        "classifier-b",
        "classifier-c",
        "classifier-d",
        "classifier-e",
        "classifier-f",
        "lenet",
        "madry",
        "carlini",
        "carlini-half",
        "tramer-a",
        "tramer-b",
        "mnist-example",
        "mnist-example-half",
        .. s_normalized,
    ];

    /// <summary>Returns the full name of an architecture: <c>a</c> is short for <c>classifier-a</c>.</summary>
    /// <exception cref="UserErrorException">The name is unknown; the message lists the known ones.</exception>
    public static string FullName(string name) =>
        Names.FirstOrDefault(known =>
            known.Equals(name, StringComparison.OrdinalIgnoreCase)
            || known.Equals(Prefix + name, StringComparison.OrdinalIgnoreCase)
        )
        ?? throw new UserErrorException(
            $"expected one of the classifier architectures {string.Join(", ", Names)}, got \"{name}\""
        );

    /// <summary>
    /// Makes a network with fresh weights, from images [N, C, H, W] in [0, 1] to logits [N, classes].
    /// </summary>
    /// <param name="name">One of <see cref="Names"/>, or the short form <c>a</c> to <c>f</c>.</param>
    /// <param name="shape">The shape of the images.</param>
    /// <param name="classes">The number of classes.</param>
    /// <param name="random">The generator of the initial weights.</param>
    /// <param name="dropout">How the dropout numbers of the table are read; matters only in training.</param>
    /// <exception cref="UserErrorException">The architecture is unknown, or the images are too small for
    /// it.</exception>
    public static nn.Module<Tensor, Tensor> Create(
        string name,
        ImageShape shape,
        int classes,
        Generator random,
        DropoutReading dropout = DropoutReading.Drop
    ) => Plan(name, shape, classes, dropout).Build(random);

    /// <summary>Computes the number of parameters of an architecture without allocating them.</summary>
    /// <exception cref="UserErrorException">The architecture is unknown, or the images are too small for
    /// it.</exception>
    public static long ParameterCount(string name, ImageShape shape, int classes) =>
        Plan(name, shape, classes, DropoutReading.Drop).Trainable;

    /// <summary>
    /// Returns the full name of an architecture without batch normalization, for a network that learns from pieces of a
    /// batch.
    /// </summary>
    /// <exception cref="UserErrorException">The name is unknown, or the network has batch normalization.</exception>
    internal static string NameWithoutBatchNorm(string name) =>
        FullName(name) is var full && !s_normalized.Contains(full)
            ? full
            : throw new UserErrorException(
                $"expected an architecture without batch normalization, got {full}: choose another, such as lenet"
            );

    internal static NetworkPlan Plan(string name, ImageShape shape, int classes, DropoutReading dropout)
    {
        switch (FullName(name))
        {
            case "resnet32":
                return ResNetCifar.Plan(shape.Channels, 32, classes);
            case "wideresnet-34-10":
                return WideResNet.Plan(shape.Channels, 34, 10, classes);
            case "vgg13-bn":
                return Vgg.Plan13(shape, classes);
            case var full:
                LayerPlan chain = Chain(full, LayerPlan.Classifier(shape, dropout), classes);
                return new NetworkPlan(chain.Trainable, chain.Total, chain.Build);
        }
    }

    private static LayerPlan Chain(string name, LayerPlan images, int classes) =>
        name switch
        {
            "classifier-a" => images
                .Convolution(64, 5)
                .Relu()
                .Convolution(64, 5, stride: 2, same: false)
                .Relu()
                .Dropout(0.25)
                .Hidden(128)
                .Dropout(0.5)
                .Linear(classes),
            "classifier-b" => images
                .Dropout(0.2)
                .Convolution(64, 8, stride: 2)
                .Relu()
                .Convolution(128, 6, stride: 2, same: false)
                .Relu()
                .Convolution(128, 5, same: false)
                .Relu()
                .Dropout(0.5)
                .Linear(classes),
            "classifier-c" => images
                .Convolution(128, 3)
                .Relu()
                .Convolution(64, 5, stride: 2, same: false)
                .Relu()
                .Dropout(0.25)
                .Hidden(128)
                .Dropout(0.5)
                .Linear(classes),
            "classifier-d" => images.Hidden(200).Dropout(0.5).Hidden(200).Linear(classes),
            "classifier-e" => images.Hidden(200).Hidden(200).Linear(classes),
            "classifier-f" => images
                .Convolution(64, 8, stride: 2)
                .Relu()
                .Convolution(128, 6, stride: 2, same: false)
                .Relu()
                .Convolution(128, 5, same: false)
                .Relu()
                .Linear(classes),
            "madry" => images
                .Convolution(32, 5)
                .Relu()
                .MaxPool()
                .Convolution(64, 5)
                .Relu()
                .MaxPool()
                .Hidden(1024)
                .Linear(classes),
            "carlini" => Carlini(images, 32, 200, classes),
            "carlini-half" => Carlini(images, 16, 100, classes),
            "tramer-a" => images
                .Convolution(64, 5, same: false)
                .Relu()
                .Convolution(64, 5, same: false)
                .Relu()
                .Dropout(0.25)
                .Hidden(128)
                .Dropout(0.5)
                .Linear(classes),
            "tramer-b" => images
                .Convolution(64, 8, stride: 2)
                .Relu()
                .Dropout(0.2)
                .Convolution(128, 6, stride: 2, same: false)
                .Relu()
                .Convolution(128, 5, same: false)
                .Relu()
                .Dropout(0.5)
                .Linear(classes),
            "mnist-example" => MnistExample(images, 32, 128, classes),
            "mnist-example-half" => MnistExample(images, 16, 64, classes),
            _ => images
                .Convolution(20, 5, same: false)
                .Relu()
                .MaxPool()
                .Convolution(50, 5, same: false)
                .Relu()
                .MaxPool()
                .Hidden(500)
                .Linear(classes),
        };

    private static LayerPlan MnistExample(LayerPlan images, int filters, int hidden, int classes) =>
        images
            .Convolution(filters, 3, same: false)
            .Relu()
            .Convolution(2 * filters, 3, same: false)
            .Relu()
            .MaxPool()
            .Dropout(0.25, maps: true)
            .Hidden(hidden)
            .Dropout(0.5)
            .Linear(classes);

    private static LayerPlan Carlini(LayerPlan images, int filters, int hidden, int classes) =>
        images
            .Convolution(filters, 3, same: false)
            .Relu()
            .Convolution(filters, 3, same: false)
            .Relu()
            .MaxPool()
            .Convolution(2 * filters, 3, same: false)
            .Relu()
            .Convolution(2 * filters, 3, same: false)
            .Relu()
            .MaxPool()
            .Hidden(hidden)
            .Dropout(0.5)
            .Hidden(hidden)
            .Linear(classes);
}
