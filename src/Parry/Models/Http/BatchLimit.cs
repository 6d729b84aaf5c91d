using System.Globalization;
using System.Text.RegularExpressions;

namespace Parry.Models.Http;

/// <summary>
/// How many images a server takes in one request: as many as it is allowed to be sent, until it refuses a request for
/// their number.
/// </summary>
internal sealed partial class BatchLimit(int allowed)
{
    private const int Milliseconds = 1000;
    private readonly int _allowed = allowed;
    private int _most = allowed;

    /// <summary>The most images in a request.</summary>
    public int Most => Volatile.Read(ref _most);

    /// <summary>The limit that the server taught; null if it has refused no request for its number of
    /// images.</summary>
    public int? Learned => Most < _allowed ? Most : null;

    /// <summary>Remembers that the server takes no more images than this in a request.</summary>
    public void Learn(int limit)
    {
        int known = Most;
        while (limit < known && Interlocked.CompareExchange(ref _most, limit, known) is var seen && seen != known)
            known = seen;
    }

    /// <summary>
    /// How many images to send at most, judging by a refusal: the number that it names, or half of what was sent; null
    /// if it was not refused for the number of images.
    /// </summary>
    /// <param name="status">The status of the answer.</param>
    /// <param name="text">What the server says.</param>
    /// <param name="images">The number of images in the request.</param>
    public static int? Told(int status, string text, int images)
    {
        // Servers refuse what is too large with any of the first three, and often without a word on batches: one image
        // was answered before. When they break down over it, they speak of it.
        bool refused = status is 400 or 413 or 422 || (status is 500 or 501 or 507 && SpeaksOfIt().IsMatch(text));
        if (!refused || images < 2)
            return null;
        foreach (Match named in Limits().Matches(text))
        {
            int limit = int.Parse(named.Groups[1].Value, NumberStyles.None, CultureInfo.InvariantCulture);
            if (limit >= 1 && limit < images)
                return limit;
        }

        return images / 2;
    }

    [GeneratedRegex(
        @"batch|out of memory|too (many|large|big)|at most \d+ images|invalid dimensions",
        RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: Milliseconds
    )]
    private static partial Regex SpeaksOfIt();

    // "batch-size must be <= 8", "larger than maximum input batch size 16", "max_batch_size: 4", "Got: 32 Expected: 1".
    [GeneratedRegex(
        @"(?:<=|at most|max|limit|exceed|larger than|greater than|up to|Expected:)\D{0,40}(\d{1,6})(?!\d)",
        RegexOptions.IgnoreCase,
        matchTimeoutMilliseconds: Milliseconds
    )]
    private static partial Regex Limits();
}
