using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Parry.Data;
using Parry.Data.Files;
using Parry.Data.Images;
using Parry.Models;
using Parry.Models.Files;
using Parry.Models.Http;
using Parry.Reports;
using Parry.Tests.Repository;

namespace Parry.Tests.Data;

/// <summary>Pipes, devices and links to them in place of every kind of file that users name.</summary>
public sealed partial class RegularFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("parry-regular").FullName;

    public void Dispose() => Directory.Delete(_folder, true);

    public static TheoryData<string, Action<string>> Readers =>
        new()
        {
            { ".onnx", path => ModelCatalog.Open(path, new InputContract()).Dispose() },
            { ".pt", path => ModelCatalog.Open(path, new InputContract()).Dispose() },
            { ".safetensors", path => ModelCatalog.Open(path, new InputContract()).Dispose() },
            { ".csv", path => DataSets.Open(path, null, null) },
            { ".png", path => ImageFile.Read(path) },
            { ".json", path => RequestTemplate.Load(path) },
            { ".json", path => JsonReport.Read(path) },
            { ".txt", path => ClassNameFile.Read(path) },
            { "-ubyte", path => InputFile.Open(path).Dispose() },
        };

    [Theory]
    [MemberData(nameof(Readers))]
    public void What_may_never_end_is_not_opened(string extension, Action<string> read)
    {
        if (OperatingSystem.IsWindows())
            return;
        string pipe = Path.Combine(_folder, "pipe" + extension);
        Assert.Equal(0, MakeFifo(pipe, Convert.ToUInt32("600", 8)));
        string zero = Path.Combine(_folder, "zero" + extension);
        File.CreateSymbolicLink(zero, "/dev/zero");

        Assert.Contains("got a pipe", Refusal(read, pipe), StringComparison.Ordinal);
        Assert.Contains("got a device", Refusal(read, zero), StringComparison.Ordinal);
    }

    [Fact]
    public void A_link_to_a_regular_file_is_read_and_its_size_is_bounded()
    {
        string file = Path.Combine(_folder, "file");
        string link = Path.Combine(_folder, "link");
        File.WriteAllText(file, "0123456789");
        File.CreateSymbolicLink(link, file);

        Assert.Equal("0123456789", RegularFile.ReadText(link, 10));
        Assert.Equal("0123456789"u8.ToArray(), RegularFile.ReadBytes(file, 10));
        Assert.Contains(
            "at most 9 bytes, got 10",
            Assert.Throws<IOException>(() => RegularFile.ReadBytes(link, 9)).Message,
            StringComparison.Ordinal
        );
        Assert.Throws<FileNotFoundException>(() => RegularFile.ReadBytes(file + "s", 9));
    }

    [Fact]
    public void A_file_of_empty_tensors_without_end_is_refused()
    {
        string path = Path.Combine(_folder, "many.safetensors");
        IEnumerable<string> tensors = Enumerable
            .Range(0, 20000)
            .Select(i => $"\"t{i}\":{{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}");
        byte[] header = Encoding.UTF8.GetBytes("{" + string.Join(',', tensors) + "}");
        byte[] file = new byte[8 + header.Length];
        BinaryPrimitives.WriteInt64LittleEndian(file, header.Length);
        header.CopyTo(file, 8);
        File.WriteAllBytes(path, file);

        Assert.Contains(
            "more than 16384 tensors",
            Assert.Throws<InvalidDataException>(() => SafeTensors.Read(path)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Names_in_a_list_that_are_no_texts_are_called_that()
    {
        string path = Path.Combine(_folder, "labels.json");
        File.WriteAllText(path, "[\"cat\", 3]");
        string message = Refusal(file => ClassNameFile.Read(file), path);
        Assert.Contains("names in quotation marks", message, StringComparison.Ordinal);
        Assert.DoesNotContain("System", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Files_are_opened_for_reading_in_one_place()
    {
        string[] calls =
        [
            "File.ReadAll",
            "File.ReadLines",
            "File.OpenRead",
            "File.OpenText",
            "FileMode.Open, FileAccess.Read,",
        ];
        Assert.DoesNotContain(
            RepositoryFiles.Code(),
            file =>
                file.StartsWith("src/", StringComparison.Ordinal)
                && !file.StartsWith("src/Parry/Runtime/", StringComparison.Ordinal)
                && !file.EndsWith("/RegularFile.cs", StringComparison.Ordinal)
                && RepositoryFiles.Lines(file).Any(line => calls.Any(line.Contains))
        );
    }

    private static string Refusal(Action<string> read, string path)
    {
        string message = Assert.Throws<UserErrorException>(() => read(path)).Message;
        Assert.Contains(path, message, StringComparison.Ordinal);
        return message;
    }

    [LibraryImport("libc", EntryPoint = "mkfifo", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MakeFifo(string path, uint mode);
}
