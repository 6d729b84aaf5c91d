namespace Parry.Data.Formats;

/// <summary>How the files of a <see cref="DataSet"/> are named and read.</summary>
internal interface IDataFormat
{
    /// <summary>Whether a folder has the files of a part, without reading their content.</summary>
    bool HasFiles(string folder, DataPart part);

    /// <summary>Reads the published training images.</summary>
    /// <exception cref="UserErrorException">A file is missing or damaged.</exception>
    ImageSet ReadTraining(DataSet set, string folder);

    /// <summary>Reads the published test images.</summary>
    /// <exception cref="UserErrorException">A file is missing or damaged.</exception>
    ImageSet ReadTest(DataSet set, string folder);
}
