using Parry.Runtime;

namespace Parry.Tests.Runtime;

public sealed class VersionNeedTests : IDisposable
{
    private static readonly string s_library = Path.Combine(
        AppContext.BaseDirectory,
        "runtimes/linux-x64/native/libLibTorchSharp.so"
    );

    private readonly string _folder = Directory.CreateTempSubdirectory("parry-need").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [LinuxFact]
    public void Marking_the_need_weak_changes_one_flag_of_the_real_file_and_nothing_else()
    {
        byte[] before = File.ReadAllBytes(s_library);
        byte[] after = [.. before];
        VersionNeed.MarkWeak(after);
        int[] changed = [.. Enumerable.Range(0, before.Length).Where(i => before[i] != after[i])];
        int at = Assert.Single(changed);
        Assert.Equal((0, 2), (before[at], after[at]));

        byte[] twice = [.. after];
        VersionNeed.MarkWeak(twice);
        Assert.Equal(after, twice);
    }

    [LinuxFact]
    public void The_copy_is_made_once_and_replaced_when_it_is_damaged()
    {
        string copy = VersionNeed.WeakCopy(s_library, _folder);
        byte[] whole = File.ReadAllBytes(copy);
        DateTime made = File.GetLastWriteTimeUtc(copy);
        Assert.Equal(copy, VersionNeed.WeakCopy(s_library, _folder));
        Assert.Equal(made, File.GetLastWriteTimeUtc(copy));

        File.WriteAllBytes(copy, whole[..1000]);
        VersionNeed.WeakCopy(s_library, _folder);
        Assert.Equal(whole, File.ReadAllBytes(copy));
        Assert.Equal([copy], Directory.GetFiles(_folder));
    }

    [LinuxFact]
    public void A_library_that_is_not_known_is_refused_in_one_line()
    {
        byte[] other = File.ReadAllBytes(s_library);
        other[^1] ^= 1;
        string path = Path.Combine(_folder, "other.so");
        File.WriteAllBytes(path, other);
        string message = Assert.Throws<TorchNotFoundException>(() => VersionNeed.WeakCopy(path, _folder)).Message;
        Assert.Contains("SHA-256", message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }

    [LinuxFact]
    public void A_folder_that_cannot_be_written_is_said_in_one_line()
    {
        string file = Path.Combine(_folder, "file");
        File.WriteAllText(file, "");
        string message = Assert
            .Throws<TorchNotFoundException>(() => VersionNeed.WeakCopy(s_library, Path.Combine(file, "folder")))
            .Message;
        Assert.Contains("XDG_CACHE_HOME", message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }

    [LinuxFact]
    public void Cut_and_changed_files_are_refused_and_never_followed_without_end()
    {
        // The header and the sections that matter stand at both ends of the file: enough of it, so that the search is
        // quick.
        byte[] whole = File.ReadAllBytes(s_library);
        for (int length = 0; length < 200; length++)
            Refuses(whole[..length]);
        for (int length = whole.Length - 4000; length < whole.Length; length += 61)
            RefusesOrMarks(whole[..length]);

        var random = new Random(7);
        int sections = BitConverter.ToInt32(whole, 0x28);
        for (int round = 0; round < 300; round++)
        {
            byte[] changed = [.. whole];
            for (int i = 0; i < 20; i++)
                changed[sections + random.Next(whole.Length - sections)] = (byte)random.Next(256);
            for (int i = 0; i < 3; i++)
                changed[random.Next(64)] = (byte)random.Next(256);
            RefusesOrMarks(changed);
        }
    }

    [Theory]
    [InlineData(
        "/lib/x86_64-linux-gnu/libstdc++.so.6: version `GLIBCXX_3.4.32' not found (required by libLibTorchSharp.so)",
        true
    )]
    [InlineData("libtorch.so: cannot open shared object file: No such file or directory", false)]
    public void Only_an_error_that_names_the_version_asks_for_a_copy(string error, bool asks) =>
        Assert.Equal(asks, VersionNeed.IsNamedIn(error));

    private static void Refuses(byte[] file) => Assert.Throws<InvalidDataException>(() => VersionNeed.MarkWeak(file));

    private static void RefusesOrMarks(byte[] file)
    {
        try
        {
            VersionNeed.MarkWeak(file);
        }
        catch (InvalidDataException)
        {
            // As it should.
        }
    }

    private sealed class LinuxFactAttribute : FactAttribute
    {
        public LinuxFactAttribute()
        {
            if (!File.Exists(s_library))
                Skip = "TorchSharp's library for Linux is not beside the tests.";
        }
    }
}
