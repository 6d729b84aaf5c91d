using Parry.Data.Files;

namespace Parry.Data.Formats;

/// <summary>The four IDX files of MNIST and of data sets that are published in its format.</summary>
internal sealed class IdxFormat : IDataFormat
{
    private const string Training = "train";
    private const string Test = "t10k";

    public bool HasFiles(string folder, DataPart part)
    {
        string prefix = part == DataPart.Test ? Test : Training;
        return InputFile.Find(folder, Images(prefix)) is not null && InputFile.Find(folder, Labels(prefix)) is not null;
    }

    public ImageSet ReadTraining(DataSet set, string folder) => Read(set, folder, Training, "training");

    public ImageSet ReadTest(DataSet set, string folder) => Read(set, folder, Test, "test");

    private static ImageSet Read(DataSet set, string folder, string prefix, string part)
    {
        string images = Locate(folder, Images(prefix));
        string labels = Locate(folder, Labels(prefix));
        ImageSet read = IdxReader.Read(images, labels, $"{set.Name} {part}", set.ClassNames);
        return read.Shape == set.Shape
            ? read
            : throw new UserErrorException(
                $"{folder}: expected {set.Title} images of {set.Shape}, got {read.Shape}: get the original files with "
                    + $"parry data fetch {set.Name}"
            );
    }

    private static string Images(string prefix) => $"{prefix}-images-idx3-ubyte";

    private static string Labels(string prefix) => $"{prefix}-labels-idx1-ubyte";

    // A path that does not exist gives the error of opening it.
    private static string Locate(string folder, string name) =>
        InputFile.Find(folder, name) ?? Path.Combine(folder, name);
}
