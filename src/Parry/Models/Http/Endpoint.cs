using System.Globalization;
using System.Net;
using System.Net.Http.Headers;

namespace Parry.Models.Http;

/// <summary>
/// Sends requests to one endpoint, several at a time, and repeats those that got no answer or an unusable one. It
/// counts requests and enforces the budget. After one request has failed for good, all others fail at once.
/// </summary>
internal sealed class Endpoint : IDisposable
{
    private const int LargestAnswer = 1 << 26;
    private const int LargestComplaint = 1 << 16;
    private static readonly TimeSpan s_longestPause = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_betweenWords = TimeSpan.FromSeconds(30);

    private readonly HttpSettings _settings;
    private readonly HttpClient _client;
    private readonly SemaphoreSlim _slots;
    private readonly CancellationToken _cancellation;
    private readonly string? _token;
    private EndpointException? _failure;
    private long _sent;
    private long _requests;
    private long _answered;
    private long _waited;
    private long _nextWord;
    private bool _reached;

    /// <summary>Connects to an endpoint.</summary>
    /// <param name="settings">How it is asked.</param>
    /// <param name="server">A URL of its server.</param>
    /// <param name="cancellation">Stops waiting for answers.</param>
    /// <exception cref="UserErrorException">A token is missing, a header is not valid, or certificates cannot be
    /// read.</exception>
    public Endpoint(HttpSettings settings, Uri server, CancellationToken cancellation)
    {
        (_settings, _cancellation) = (settings, cancellation);
        _slots = new SemaphoreSlim(settings.Concurrency);
        Batch = new BatchLimit(settings.Batch);
        if (
            settings.TokenVariable is { } variable
            && (_token = Environment.GetEnvironmentVariable(variable)?.Trim()) is not { Length: > 0 }
        )
            throw new UserErrorException(
                $"expected a token in the environment variable {variable}, which is unset or empty: export it, or "
                    + "leave out token-env"
            );

        _client = EndpointClient.Of(settings, _token, server);
    }

    /// <summary>The numbers of images sent, requests with images, and images answered.</summary>
    public (long Sent, long Requests, long Answered) Counts =>
        (Interlocked.Read(ref _sent), Interlocked.Read(ref _requests), Interlocked.Read(ref _answered));

    /// <summary>How many images it takes in one request.</summary>
    public BatchLimit Batch { get; }

    /// <summary>How long it had requests wait in all, with Retry-After.</summary>
    public TimeSpan Waited => TimeSpan.FromTicks(Interlocked.Read(ref _waited));

    /// <summary>A URL as messages show it, without parts that could be secret.</summary>
    public static string Shown(Uri address) => address.GetLeftPart(UriPartial.Path);

    /// <summary>Sends a request until there is an answer that can be read.</summary>
    /// <param name="address">The URL.</param>
    /// <param name="write">Writes the body of a POST when it is this request's turn; null for a GET.</param>
    /// <param name="images">The number of images in the body.</param>
    /// <param name="read">Reads the answer, or throws <see cref="InvalidDataException"/>.</param>
    /// <returns>What was read; null if the server takes fewer images in a request, which <see cref="Batch"/> then
    /// tells.</returns>
    /// <exception cref="EndpointException">All attempts failed, or the budget is spent.</exception>
    public async Task<T?> Ask<T>(Uri address, Func<ReadOnlyMemory<byte>>? write, int images, Func<byte[], T> read)
        where T : class
    {
        await _slots.WaitAsync(_cancellation).ConfigureAwait(false);
        try
        {
            if (images > Batch.Most)
                return null;
            ReadOnlyMemory<byte>? body = write?.Invoke();
            for (int attempt = 0; ; attempt++)
            {
                if (_failure is { } failed)
                    throw failed;
                Spend(address, images);
                var (answer, complaint) = await Try(address, body, images, read).ConfigureAwait(false);
                if (complaint is null)
                {
                    Interlocked.Add(ref _answered, images);
                    return answer;
                }

                if (complaint.MostImages is { } most)
                {
                    Batch.Learn(most);
                    return null;
                }

                if (!complaint.MayPass || attempt == _settings.Retries)
                    throw Failed(address, complaint.Text, attempt + 1);
                if (complaint.RetryAfter > _settings.Patience)
                    throw Failed(address, $"{complaint.Text}, {Impatient(complaint.RetryAfter.Value)}", attempt + 1);
                await Pause(address, attempt, complaint).ConfigureAwait(false);
            }
        }
        finally
        {
            _slots.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _client.Dispose();
        _slots.Dispose();
    }

    private Task Pause(Uri address, int attempt, Complaint complaint)
    {
        TimeSpan asked = complaint.RetryAfter ?? TimeSpan.Zero;
        TimeSpan pause = _settings.Backoff * Math.ScaleB(1, Math.Min(attempt, 20));
        if (pause > s_longestPause)
            pause = s_longestPause;
        if (asked > pause)
        {
            Interlocked.Add(ref _waited, asked.Ticks);
            pause = asked;
            Tell(address, complaint.Text, asked);
        }

        return Task.Delay(pause, _cancellation);
    }

    // Several requests wait at a time, and a busy server asks again and again.
    private void Tell(Uri address, string complaint, TimeSpan pause)
    {
        long next = Interlocked.Read(ref _nextWord);
        long now = Environment.TickCount64;
        long then = now + (long)Math.Max(pause.TotalMilliseconds, s_betweenWords.TotalMilliseconds);
        if (now < next || Interlocked.CompareExchange(ref _nextWord, then, next) != next)
            return;
        string text = string.Create(
            CultureInfo.InvariantCulture,
            $"{Shown(address)}: {complaint}; waiting {Math.Ceiling(pause.TotalSeconds):N0} seconds, as it asks"
        );
        _settings.Waiting?.Invoke(WithoutToken(text));
    }

    private string Impatient(TimeSpan asked) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"to be asked again in {asked.TotalSeconds:N0} seconds, longer than --http patience="
                + $"{_settings.Patience.TotalSeconds:0.###}: come back then, or give more patience"
        );

    private void Spend(Uri address, int images)
    {
        if (images == 0)
            return;
        if (Interlocked.Add(ref _sent, images) > _settings.Budget)
        {
            Interlocked.Add(ref _sent, -images);
            throw Latch(
                new EndpointException(
                    $"{Shown(address)} may be sent {Number(_settings.Budget!.Value)} images, got {Number(images)} "
                        + $"more after {Number(Counts.Sent)}: raise --http budget=N{Kept()}"
                )
            );
        }

        Interlocked.Increment(ref _requests);
    }

    private async Task<(T? Answer, Complaint? Complaint)> Try<T>(
        Uri address,
        ReadOnlyMemory<byte>? body,
        int images,
        Func<byte[], T> read
    )
        where T : class
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_cancellation);
        limit.CancelAfter(_settings.Timeout);
        byte[] answer = [];
        try
        {
            using var request = new HttpRequestMessage(body is null ? HttpMethod.Get : HttpMethod.Post, address);
            if (body is { } json)
            {
                request.Content = new ReadOnlyMemoryContent(json);
                request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            }

            using HttpResponseMessage response = await _client
                .SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token)
                .ConfigureAwait(false);
            bool good = response.StatusCode == HttpStatusCode.OK;
            answer = await ReadBounded(response, good ? LargestAnswer : LargestComplaint, good, limit.Token)
                .ConfigureAwait(false);
            if (!good)
                return (null, Complaint.Of(response, answer, address, images));
            T found = read(answer);
            _reached = true;
            return (found, null);
        }
        catch (OperationCanceledException) when (!_cancellation.IsCancellationRequested)
        {
            return (null, Complaint.Late(_settings.Timeout));
        }
        catch (InvalidDataException e)
        {
            return (null, Complaint.Of(e, answer, images));
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return (null, Complaint.Of(e, address, _reached));
        }
    }

    private static async Task<byte[]> ReadBounded(
        HttpResponseMessage response,
        int most,
        bool refuse,
        CancellationToken cancellation
    )
    {
        using Stream stream = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
        using var all = new MemoryStream();
        var block = new byte[1 << 14];
        while (await stream.ReadAsync(block, cancellation).ConfigureAwait(false) is > 0 and int read)
        {
            if (all.Length + read > most)
                return refuse ? throw new InvalidDataException($"it is larger than {most >> 20} MiB") : all.ToArray();
            all.Write(block, 0, read);
        }

        return all.ToArray();
    }

    private EndpointException Failed(Uri address, string complaint, int times)
    {
        string text =
            $"{Shown(address)}: {complaint}, {(times == 1 ? "after one attempt" : $"after {times} attempts")}; "
            + $"{Number(Counts.Answered)} images were answered{Kept()}";
        return Latch(new EndpointException(WithoutToken(text)));
    }

    private string WithoutToken(string text) =>
        _token is null ? text : text.Replace(_token, "[token]", StringComparison.Ordinal);

    private string Kept() =>
        Counts.Answered == 0 ? ""
        : _settings.Cache is { } folder
            ? $"; their answers are kept in {folder}, and the same command resumes from there"
        : "; give --http cache=DIR so that another run need not send them again";

    private EndpointException Latch(EndpointException failure) =>
        Interlocked.CompareExchange(ref _failure, failure, null) ?? failure;

    private static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
