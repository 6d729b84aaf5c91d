using Parry.Data.Formats;

namespace Parry.Data;

public static partial class DataSets
{
    /// <summary>CIFAR-10: small photos of ten kinds of things, 50,000 for training and 10,000 for testing.</summary>
    public static DataSet Cifar10 { get; } =
        new()
        {
            Name = "cifar10",
            Title = "CIFAR-10",
            FolderAliases = ["cifar-10-batches-bin", "cifar-10"],
            Shape = new ImageShape(3, 32, 32),
            UsualAccuracy = 0.9,
            ClassNames = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"],
            License = "none given; cite Krizhevsky 2009",
            Citation = "Krizhevsky: Learning multiple layers of features from tiny images, 2009",
            Format = new CifarFormat(),
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
}
