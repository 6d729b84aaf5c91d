using System.Formats.Tar;
using System.Net;
using System.Security.Cryptography;
using Parry.Data;
using Parry.Data.Published;

namespace Parry.Tests.Data;

public sealed class DataFetcherTests : IDisposable
{
    private static readonly byte[] s_content = TestData.IdxLabels(500);
    private static readonly byte[] s_download = TestData.Gzip(s_content);
    private static readonly DataSet s_set = Set(File("labels", s_content), File("labels.gz", s_download));

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Downloads_and_tells_how_far_it_is()
    {
        var progress = new Recorder();
        var server = new Server(_ => Answer(s_download));

        Assert.Equal(1, await Fetch(server, progress: progress));

        Assert.Equal(s_download, System.IO.File.ReadAllBytes(Path.Combine(_folder.Path, "labels.gz")));
        Assert.Equal(["http://one.test/labels.gz"], server.Requests);
        Assert.Equal(new FetchProgress("labels.gz", s_download.Length, s_download.Length), progress.Last);
        AssertOnly("labels.gz");
    }

    [Fact]
    public async Task Does_nothing_if_all_is_there()
    {
        var server = new Server(_ => Answer(s_download));
        await Fetch(server);
        Assert.Equal(0, await Fetch(server));
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task Accepts_the_same_content_compressed_otherwise_or_not_at_all()
    {
        var server = new Server(_ => throw new InvalidOperationException());
        _folder.Write("labels", s_content);
        Assert.Equal(0, await Fetch(server));
    }

    [Theory]
    [InlineData("labels")]
    [InlineData("labels.gz")]
    [InlineData("labels.gz.partial")]
    public async Task Replaces_a_damaged_file(string name)
    {
        _folder.Write(name, [1, 2, 3]);
        Assert.Equal(1, await Fetch(new Server(_ => Answer(s_download))));
        Assert.True(s_set.Files[0].IsIn(_folder.Path));
        AssertOnly("labels.gz");
    }

    [Fact]
    public async Task Goes_on_to_the_next_mirror()
    {
        var server = new Server(address =>
            address.Host == "one.test" ? new HttpResponseMessage(HttpStatusCode.NotFound) : Answer(s_download)
        );
        Assert.Equal(1, await Fetch(server));
        Assert.Equal(["http://one.test/labels.gz", "http://two.test/labels.gz"], server.Requests);
    }

    [Fact]
    public async Task Refuses_a_wrong_file_and_names_both_hashes()
    {
        var wrong = (byte[])s_download.Clone();
        wrong[^1] ^= 1;
        var error = await Fails(_ => Answer(wrong));
        Assert.Contains($"expected SHA-256 {Hash(s_download)}, got {Hash(wrong)}", error);
        Assert.Contains("http://two.test/labels.gz", error);
    }

    [Fact]
    public async Task Refuses_a_file_that_is_too_short() =>
        Assert.Contains($"got {s_download.Length - 1}", await Fails(_ => Answer(s_download[..^1])));

    [Fact]
    public async Task Refuses_a_file_that_never_ends() =>
        Assert.Contains(
            "got more",
            await Fails(_ => new HttpResponseMessage { Content = new StreamContent(new Endless()) })
        );

    [Fact]
    public async Task Says_when_no_mirror_can_be_reached() =>
        Assert.Contains("no route", await Fails(_ => throw new HttpRequestException("no route")));

    [Fact]
    public async Task Says_when_the_line_breaks() =>
        Assert.Contains(
            "broken",
            await Fails(_ => new HttpResponseMessage { Content = new StreamContent(new Broken()) })
        );

    [Fact]
    public async Task Leaves_nothing_behind_when_cancelled()
    {
        using var cancel = new CancellationTokenSource();
        var server = new Server(_ =>
        {
            cancel.Cancel();
            return Answer(s_download);
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Fetch(server, cancellation: cancel.Token));
        AssertOnly();
    }

    [Fact]
    public async Task Refuses_a_folder_that_cannot_be_written()
    {
        var file = _folder.Write("file", []);
        using var client = new HttpClient(new Server(_ => Answer(s_download)));
        var error = await Assert.ThrowsAsync<UserErrorException>(() =>
            DataFetcher.FetchAsync(s_set, Path.Combine(file, "sub"), client)
        );
        Assert.Contains("expected to be able to write", error.Message);
    }

    [Fact]
    public async Task Unpacks_the_sets_files_from_an_archive_and_nothing_else()
    {
        var (first, second) = (TestData.Cifar(1), TestData.Cifar(2));
        var archive = Archive(
            ("../../evil.bin", [1]),
            ("batches/a.bin", first),
            ("batches/readme.html", [2]),
            ("/b.bin", second)
        );
        var set = Set([File("a.bin", first), File("b.bin", second)], File("set.tar.gz", archive));

        Assert.Equal(1, await Fetch(new Server(_ => Answer(archive)), set));
        Assert.Equal(0, await Fetch(new Server(_ => throw new InvalidOperationException()), set));
        AssertOnly("a.bin", "b.bin");
    }

    [Fact]
    public async Task Says_when_an_archive_lacks_a_file()
    {
        var archive = Archive(("a.bin", [1, 2, 3]));
        var set = Set([File("a.bin", [1, 2])], File("set.tar.gz", archive));
        var error = await Assert.ThrowsAsync<IOException>(() => Fetch(new Server(_ => Answer(archive)), set));
        Assert.Contains("a.bin", error.Message);
        AssertOnly();
    }

    [Fact]
    public async Task Names_all_files_that_an_archive_lacks()
    {
        var archive = Archive(("readme.html", [1]));
        var set = Set([File("a.bin", [1]), File("b.bin", [2])], File("set.tar.gz", archive));
        var error = await Assert.ThrowsAsync<IOException>(() => Fetch(new Server(_ => Answer(archive)), set));
        Assert.Contains("the files a.bin, b.bin in it", error.Message);
    }

    private static DataFile File(string name, byte[] content) => new(name, content.Length, Hash(content));

    private static string Hash(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content));

    private static DataSet Set(DataFile file, DataFile download) => Set([file], download);

    private static DataSet Set(DataFile[] files, DataFile download) =>
        new()
        {
            Name = "test",
            Title = "Test",
            Shape = new ImageShape(1, 1, 1),
            ClassNames = TestData.Digits,
            License = "none",
            Citation = "none",
            Mirrors = [new("http://one.test/"), new("http://two.test/")],
            Downloads = [download],
            Files = files,
        };

    private static byte[] Archive(params (string Name, byte[] Content)[] files)
    {
        using var memory = new MemoryStream();
        using (var tar = new TarWriter(memory, leaveOpen: true))
        {
            foreach (var (name, content) in files)
            {
                tar.WriteEntry(
                    new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(content) }
                );
            }
        }

        return TestData.Gzip(memory.ToArray());
    }

    private static HttpResponseMessage Answer(byte[] content) => new() { Content = new ByteArrayContent(content) };

    private async Task<int> Fetch(
        Server server,
        DataSet? set = null,
        IProgress<FetchProgress>? progress = null,
        CancellationToken cancellation = default
    )
    {
        using var client = new HttpClient(server, disposeHandler: false);
        return await DataFetcher.FetchAsync(set ?? s_set, _folder.Path, client, progress, cancellation);
    }

    private async Task<string> Fails(Func<Uri, HttpResponseMessage> answer)
    {
        var error = await Assert.ThrowsAsync<IOException>(() => Fetch(new Server(answer)));
        AssertOnly();
        Assert.DoesNotContain('\n', error.Message);
        return error.Message;
    }

    private void AssertOnly(params string[] files) =>
        Assert.Equal(files, Directory.EnumerateFileSystemEntries(_folder.Path).Select(Path.GetFileName).Order());

    private sealed class Server(Func<Uri, HttpResponseMessage> answer) : HttpMessageHandler
    {
        public List<string> Requests { get; } = [];

        protected override Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request,
            CancellationToken cancellationToken
        )
        {
            Requests.Add(request.RequestUri!.AbsoluteUri);
            return Task.FromResult(answer(request.RequestUri));
        }
    }

    private sealed class Recorder : IProgress<FetchProgress>
    {
        public FetchProgress Last { get; private set; }

        public void Report(FetchProgress value) => Last = value;
    }

    private class Endless : MemoryStream
    {
        public override bool CanSeek => false;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            new(buffer.Length);
    }

    private sealed class Broken : Endless
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            throw new IOException("broken");
    }
}
