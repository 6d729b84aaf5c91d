namespace Parry.Data;

/// <summary>The data sets that Parry knows by name, and what else images can come from.</summary>
public static class DataSets
{
    /// <summary>MNIST: handwritten digits, 60,000 for training and 10,000 for testing.</summary>
    public static DataSet Mnist { get; } =
        new()
        {
            Name = "mnist",
            Title = "MNIST",
            FolderAliases = ["MNIST"],
            Shape = new ImageShape(1, 28, 28),
            ClassNames = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
            License = "CC BY-SA 3.0, Yann LeCun and Corinna Cortes",
            Citation = "LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document recognition, 1998",
            Format = DataSet.FileFormat.Idx,
            Mirrors =
            [
                new("https://ossci-datasets.s3.amazonaws.com/mnist/"),
                new("https://storage.googleapis.com/cvdf-datasets/mnist/"),
            ],
            Downloads =
            [
                new(
                    "train-images-idx3-ubyte.gz",
                    9_912_422,
                    "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
                ),
                new(
                    "train-labels-idx1-ubyte.gz",
                    28_881,
                    "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"
                ),
                new(
                    "t10k-images-idx3-ubyte.gz",
                    1_648_877,
                    "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"
                ),
                new(
                    "t10k-labels-idx1-ubyte.gz",
                    4_542,
                    "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"
                ),
            ],
            Files =
            [
                new(
                    "train-images-idx3-ubyte",
                    47_040_016,
                    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
                ),
                new(
                    "train-labels-idx1-ubyte",
                    60_008,
                    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"
                ),
                new(
                    "t10k-images-idx3-ubyte",
                    7_840_016,
                    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
                ),
                new(
                    "t10k-labels-idx1-ubyte",
                    10_008,
                    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
                ),
            ],
        };

    /// <summary>
    /// Fashion-MNIST: articles of clothing in MNIST's format, 60,000 for training and 10,000 for testing.
    /// </summary>
    public static DataSet FashionMnist { get; } =
        new()
        {
            Name = "fashion-mnist",
            Title = "Fashion-MNIST",
            FolderAliases = ["FashionMNIST"],
            Shape = new ImageShape(1, 28, 28),
            ClassNames =
            [
                "T-shirt/top",
                "Trouser",
                "Pullover",
                "Dress",
                "Coat",
                "Sandal",
                "Shirt",
                "Sneaker",
                "Bag",
                "Ankle boot",
            ],
            License = "MIT, Zalando SE",
            Citation =
                "Xiao, Rasul, Vollgraf: Fashion-MNIST, a novel image dataset for benchmarking machine learning "
                + "algorithms, 2017",
            Format = DataSet.FileFormat.Idx,
            Mirrors =
            [
                new("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"),
                new("https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/"),
            ],
            Downloads =
            [
                new(
                    "train-images-idx3-ubyte.gz",
                    26_421_880,
                    "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"
                ),
                new(
                    "train-labels-idx1-ubyte.gz",
                    29_515,
                    "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"
                ),
                new(
                    "t10k-images-idx3-ubyte.gz",
                    4_422_102,
                    "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"
                ),
                new(
                    "t10k-labels-idx1-ubyte.gz",
                    5_148,
                    "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"
                ),
            ],
            Files =
            [
                new(
                    "train-images-idx3-ubyte",
                    47_040_016,
                    "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"
                ),
                new(
                    "train-labels-idx1-ubyte",
                    60_008,
                    "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"
                ),
                new(
                    "t10k-images-idx3-ubyte",
                    7_840_016,
                    "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"
                ),
                new(
                    "t10k-labels-idx1-ubyte",
                    10_008,
                    "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"
                ),
            ],
        };

    /// <summary>CIFAR-10: small photos of ten kinds of things, 50,000 for training and 10,000 for testing.</summary>
    public static DataSet Cifar10 { get; } =
        new()
        {
            Name = "cifar10",
            Title = "CIFAR-10",
            FolderAliases = ["cifar-10-batches-bin", "cifar-10"],
            Shape = new ImageShape(3, 32, 32),
            ClassNames = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"],
            License = "published without a license; cite the report below",
            Citation = "Krizhevsky: Learning multiple layers of features from tiny images, 2009",
            Format = DataSet.FileFormat.Cifar,
            Mirrors = [new("https://www.cs.toronto.edu/~kriz/")],

            // The archive's MD5 on its home page is c32a1d4ab5d03f1284b67883e8d87530. Its SHA-256 and those of the
            // batches stand in the registries of TensorFlow Datasets and torchvision for Ruby.
            Downloads =
            [
                new(
                    "cifar-10-binary.tar.gz",
                    170_052_171,
                    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
                ),
            ],
            Files =
            [
                new("data_batch_1.bin", 30_730_000, "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5"),
                new("data_batch_2.bin", 30_730_000, "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed"),
                new("data_batch_3.bin", 30_730_000, "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67"),
                new("data_batch_4.bin", 30_730_000, "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48"),
                new("data_batch_5.bin", 30_730_000, "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add"),
                new("test_batch.bin", 30_730_000, "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"),
            ],
        };

    /// <summary>Every known set.</summary>
    public static IReadOnlyList<DataSet> All { get; } = [Mnist, FashionMnist, Cifar10];

    /// <summary>The set of that name, in small or capital letters.</summary>
    /// <exception cref="UserErrorException">There is none.</exception>
    public static DataSet ByName(string name) =>
        All.FirstOrDefault(set => set.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
        ?? throw new UserErrorException(
            $"expected a data set out of {string.Join(", ", All.Select(set => set.Name))}, got \"{name}\""
        );

    /// <summary>
    /// The images that a text names: a known set, CelebA, a folder of class folders, or a .csv file of files and
    /// labels. A known name goes before a folder of that name.
    /// </summary>
    /// <param name="text">What <c>--data</c> was given.</param>
    /// <param name="preparation">What the model says of the images it takes; null if it says nothing. Sets known by
    /// name have a shape and classes of their own.</param>
    /// <param name="attribute">The attribute of CelebA that tells its classes apart; null for
    /// <see cref="CelebA.DefaultAttribute"/>.</param>
    /// <exception cref="UserErrorException">The text names nothing, or what it names is not in order.</exception>
    public static IImageSource Open(string text, ImagePreparation? preparation = null, string? attribute = null)
    {
        if (text.Equals(CelebA.SetName, StringComparison.OrdinalIgnoreCase))
            return new CelebA(attribute ?? CelebA.DefaultAttribute, preparation);
        if (attribute is not null)
            throw new UserErrorException(
                $"expected an attribute with the data set {CelebA.SetName} only, got \"{attribute}\" with {text}: "
                    + $"leave it out"
            );
        if (IsName(text))
            return ByName(text);
        if (Directory.Exists(text))
            return new ImageFolder(text, preparation);
        if (text.EndsWith(".csv", StringComparison.OrdinalIgnoreCase))
            return new ImageTable(text, preparation);
        string names = string.Join(", ", All.Select(set => set.Name).Append(CelebA.SetName));
        throw new UserErrorException(
            $"expected a data set out of {names}, a folder of class folders that exists, or a .csv file of files "
                + $"and labels, got \"{text}\""
        );
    }

    /// <summary>Whether a set of <see cref="All"/> has this name, in small or capital letters.</summary>
    public static bool IsName(string text) => All.Any(set => set.Name.Equals(text, StringComparison.OrdinalIgnoreCase));
}
