using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace Parry.Models.Http;

/// <summary>
/// Sends requests to one endpoint, several at a time, and repeats those that got no answer or an unusable one. It
/// counts requests and enforces the budget. After one request has failed for good, all others fail at once.
/// </summary>
internal sealed class Endpoint : IDisposable
{
    private const int LargestAnswer = 1 << 26;
    private const int LargestComplaint = 1 << 16;
    private const int ShownCharacters = 200;
    private static readonly TimeSpan s_longestPause = TimeSpan.FromMinutes(1);

    private readonly HttpSettings _settings;
    private readonly HttpClient _client;
    private readonly SemaphoreSlim _slots;
    private readonly CancellationToken _cancellation;
    private readonly string? _token;
    private EndpointException? _failure;
    private long _sent;
    private long _requests;
    private long _answered;

    /// <summary>Connects to an endpoint.</summary>
    /// <exception cref="UserErrorException">A token is missing, or a header is not valid.</exception>
    public Endpoint(HttpSettings settings, CancellationToken cancellation)
    {
        (_settings, _cancellation) = (settings, cancellation);
        _slots = new SemaphoreSlim(settings.Concurrency);
        if (
            settings.TokenVariable is { } variable
            && (_token = Environment.GetEnvironmentVariable(variable)?.Trim()) is not { Length: > 0 }
        )
            throw new UserErrorException(
                $"expected a token in the environment variable {variable}, which is unset or empty: export it, or "
                    + "leave out token-env"
            );

        // Follow no redirections: one could send the token to another host.
        _client = new HttpClient(
            new SocketsHttpHandler
            {
                AllowAutoRedirect = false,
                UseCookies = false,
                MaxConnectionsPerServer = settings.Concurrency,
                ConnectTimeout = settings.Timeout,
                PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            }
        )
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
        IReadOnlyDictionary<string, string> headers = settings.Template?.Headers ?? new Dictionary<string, string>();
        bool placed = headers.Values.Any(value => value.Contains(RequestTemplate.Token, StringComparison.Ordinal));
        if (placed && _token is null)
            throw new UserErrorException(
                $"the template's headers contain {RequestTemplate.Token}: give --http token-env=NAME, the environment "
                    + "variable with the token"
            );
        try
        {
            if (_token is not null && !placed)
                _client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", _token);
            foreach (var (name, value) in headers)
                _client.DefaultRequestHeaders.Add(
                    name,
                    value.Replace(RequestTemplate.Token, _token, StringComparison.Ordinal)
                );
        }
        catch (Exception e) when (e is FormatException or InvalidOperationException or ArgumentException)
        {
            // The system's message would repeat the token, so its exception is left out.
#pragma warning disable MA0054
            throw new UserErrorException(
                "a header of the request is not valid: expected a name of one word that is not Content-Type, and a "
                    + "value or token of one line"
            );
#pragma warning restore MA0054
        }
    }

    /// <summary>The numbers of images sent, requests with images, and images answered.</summary>
    public (long Sent, long Requests, long Answered) Counts =>
        (Interlocked.Read(ref _sent), Interlocked.Read(ref _requests), Interlocked.Read(ref _answered));

    /// <summary>A URL as messages show it, without parts that could be secret.</summary>
    public static string Shown(Uri address) => address.GetLeftPart(UriPartial.Path);

    /// <summary>Returns the start of a text, on one line.</summary>
    public static string Excerpt(string text)
    {
        string line = InferenceTensor.OneLine(
            string.Concat(
                text.Take(4 * ShownCharacters).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? ' ' : c)
            )
        );
        return line.Length <= ShownCharacters ? line : line[..ShownCharacters] + "…";
    }

    /// <summary>Sends a request until there is an answer that can be read.</summary>
    /// <param name="address">The URL.</param>
    /// <param name="write">Writes the body of a POST when it is this request's turn; null for a GET.</param>
    /// <param name="images">The number of images in the body.</param>
    /// <param name="read">Reads the answer, or throws <see cref="InvalidDataException"/>.</param>
    /// <exception cref="EndpointException">All attempts failed, or the budget is spent.</exception>
    public async Task<T> Ask<T>(Uri address, Func<ReadOnlyMemory<byte>>? write, int images, Func<byte[], T> read)
    {
        await _slots.WaitAsync(_cancellation).ConfigureAwait(false);
        try
        {
            ReadOnlyMemory<byte>? body = write?.Invoke();
            for (int attempt = 0; ; attempt++)
            {
                if (_failure is { } failed)
                    throw failed;
                Spend(address, images);
                var (answer, complaint) = await Try(address, body, read).ConfigureAwait(false);
                if (complaint is null)
                {
                    Interlocked.Add(ref _answered, images);
                    return answer!;
                }

                if (!complaint.MayPass || attempt == _settings.Retries)
                    throw Failed(address, complaint, attempt + 1);
                TimeSpan pause = _settings.Backoff * Math.ScaleB(1, Math.Min(attempt, 20));
                if (complaint.RetryAfter > pause)
                    pause = complaint.RetryAfter.Value;
                await Task.Delay(pause < s_longestPause ? pause : s_longestPause, _cancellation).ConfigureAwait(false);
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
        Func<byte[], T> read
    )
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_cancellation);
        limit.CancelAfter(_settings.Timeout);
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
            byte[] answer = await ReadBounded(response, good ? LargestAnswer : LargestComplaint, good, limit.Token)
                .ConfigureAwait(false);
            if (good)
                return (read(answer), null);
            int status = (int)response.StatusCode;
            string text = Excerpt(Encoding.UTF8.GetString(answer));
            string where =
                status is >= 300 and < 400 && response.Headers.Location is { } location
                    ? $" to {location}, which is not followed: give that URL"
                : text.Length > 0 ? $" \"{text}\""
                : "";
            return (
                default,
                new Complaint($"HTTP {status}{where}", status is 408 or 429 or >= 500)
                {
                    RetryAfter = RetryAfter(response),
                }
            );
        }
        catch (OperationCanceledException) when (!_cancellation.IsCancellationRequested)
        {
            return (
                default,
                new Complaint(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"no answer within {_settings.Timeout.TotalSeconds:0.###} seconds"
                    ),
                    true
                )
            );
        }
        catch (InvalidDataException e)
        {
            return (default, new Complaint($"the answer is not usable: {e.Message}", true));
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return (
                default,
                new Complaint($"the connection failed ({InferenceTensor.OneLine(e.GetBaseException().Message)})", true)
            );
        }
    }

    private static TimeSpan? RetryAfter(HttpResponseMessage response) =>
        response.Headers.RetryAfter is not { } header
            ? null
            : header.Delta ?? (header.Date is { } date ? date - DateTimeOffset.UtcNow : null);

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

    private EndpointException Failed(Uri address, Complaint complaint, int times)
    {
        string text =
            $"{Shown(address)}: {complaint.Text}, {(times == 1 ? "after one attempt" : $"after {times} attempts")}; "
            + $"{Number(Counts.Answered)} images were answered{Kept()}";
        return Latch(
            new EndpointException(_token is null ? text : text.Replace(_token, "[token]", StringComparison.Ordinal))
        );
    }

    private string Kept() =>
        Counts.Answered == 0 ? ""
        : _settings.Cache is { } folder
            ? $"; their answers are kept in {folder}, and the same command resumes from there"
        : "; give --http cache=DIR so that another run need not send them again";

    private EndpointException Latch(EndpointException failure) =>
        Interlocked.CompareExchange(ref _failure, failure, null) ?? failure;

    private static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    private sealed record Complaint(string Text, bool MayPass)
    {
        public TimeSpan? RetryAfter { get; init; }
    }
}
