namespace Parry.Tests.Reports;

public sealed class AtomicFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("parry-atomic-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Writes_a_new_file_and_the_folders_it_needs()
    {
        string path = Path.Combine(_folder, "a", "b", "report.md");
        AtomicFile.WriteText(path, "é");
        Assert.Equal("é"u8.ToArray(), File.ReadAllBytes(path));
    }

    [Fact]
    public void Replaces_an_older_file_and_leaves_nothing_beside_it()
    {
        string path = Path.Combine(_folder, "report.md");
        AtomicFile.WriteText(path, "a long first text");
        AtomicFile.WriteText(path, "second");
        Assert.Equal("second", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public void Keeps_the_older_file_until_the_new_one_is_whole()
    {
        string path = Path.Combine(_folder, "report.md");
        AtomicFile.WriteText(path, "old");
        AtomicFile.Write(
            path,
            stream =>
            {
                stream.Write("new"u8);
                stream.Flush();
                Assert.Equal("old", File.ReadAllText(path));
            }
        );
        Assert.Equal("new", File.ReadAllText(path));
    }

    [Fact]
    public void Removes_the_temporary_file_when_the_writer_fails()
    {
        string path = Path.Combine(_folder, "report.md");
        AtomicFile.WriteText(path, "old");
        Assert.Throws<InvalidOperationException>(() =>
            AtomicFile.Write(
                path,
                stream =>
                {
                    stream.Write("half"u8);
                    throw new InvalidOperationException();
                }
            )
        );
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFileSystemEntries(_folder));
    }

    [Theory]
    [InlineData(28)]
    [InlineData(122)]
    public void Says_that_the_disk_is_full(int errno)
    {
        string path = Path.Combine(_folder, "report.md");
        var error = Assert.Throws<IOException>(() =>
            AtomicFile.Write(path, _ => throw new IOException("No space left on device", errno))
        );
        Assert.StartsWith("The disk is full: '" + path, error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public void Recognizes_the_error_of_a_really_full_device()
    {
        if (!File.Exists("/dev/full"))
            return;

        string path = Path.Combine(_folder, "report.md");
        var error = Assert.Throws<IOException>(() =>
            AtomicFile.Write(
                path,
                _ =>
                {
                    using var full = new FileStream(
                        "/dev/full",
                        FileMode.Open,
                        FileAccess.Write,
                        FileShare.ReadWrite,
                        bufferSize: 0
                    );
                    full.Write("x"u8);
                }
            )
        );
        Assert.StartsWith("The disk is full", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Deletes_what_a_killed_process_left_but_not_what_another_one_is_writing()
    {
        string left = Path.Combine(_folder, ".parry-left.tmp");
        string held = Path.Combine(_folder, ".parry-held.tmp");
        File.WriteAllText(left, "half");
        using (var writer = new FileStream(held, FileMode.CreateNew, FileAccess.Write, FileShare.Delete))
        {
            foreach (string file in (string[])[left, held])
                File.SetLastWriteTimeUtc(file, DateTime.UtcNow.AddMinutes(-1));
            AtomicFile.WriteText(Path.Combine(_folder, "report.md"), "new");
            Assert.False(File.Exists(left));
            Assert.True(File.Exists(held));
        }
    }

    [Fact]
    public void Refuses_a_folder_that_is_a_file()
    {
        string file = Path.Combine(_folder, "file");
        File.WriteAllText(file, "");
        var error = Assert.Throws<UserErrorException>(() => AtomicFile.WriteText(Path.Combine(file, "report.md"), ""));
        Assert.Contains("is not writable", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("\n", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(".tmp", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Refuses_a_folder_without_permission()
    {
        // Even the superuser may not make files in /proc.
        if (!Directory.Exists("/proc/self"))
            return;

        Assert.Throws<UserErrorException>(() => AtomicFile.WriteText("/proc/report.md", ""));
    }

    [Fact]
    public void Refuses_a_path_that_is_a_folder()
    {
        string path = Path.Combine(_folder, "report.md");
        Directory.CreateDirectory(path);
        var error = Assert.Throws<UserErrorException>(() => AtomicFile.WriteText(path, ""));
        Assert.Contains("a folder has that name", error.Message, StringComparison.Ordinal);
        Assert.Equal([path], Directory.GetFileSystemEntries(_folder));
    }
}
