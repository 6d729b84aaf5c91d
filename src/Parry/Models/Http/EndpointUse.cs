using System.Globalization;

namespace Parry.Models.Http;

/// <summary>How much a model served over HTTP was used.</summary>
/// <param name="Sent">Images sent, including those of repeated requests.</param>
/// <param name="Requests">Requests with images, including repeated ones.</param>
/// <param name="Cached">Images answered from the cache.</param>
public sealed record EndpointUse(long Sent, long Requests, long Cached)
{
    /// <summary>
    /// The most images that the server takes in a request, if it refused requests for having more; otherwise null.
    /// </summary>
    public int? LearnedBatch { get; init; }

    /// <summary>How many seconds requests waited in all because the server asked for it (Retry-After).</summary>
    public double SecondsWaited { get; init; }

    /// <summary>For how many of the images sent it gave scores that are no numbers and tell no class.</summary>
    public long WithoutScores { get; init; }

    /// <inheritdoc/>
    public override string ToString() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{Sent:N0} images sent in {Requests:N0} requests, {Cached:N0} answered from the cache"
        )
        + (LearnedBatch is { } most ? $"; it takes at most {most} in a request, as --http batch={most} says" : "")
        + string.Create(
            CultureInfo.InvariantCulture,
            $"{(SecondsWaited > 0 ? $"; it had requests wait {SecondsWaited:N0} seconds" : "")}"
        )
        + (
            WithoutScores > 0
                ? string.Create(CultureInfo.InvariantCulture, $"; for {WithoutScores:N0} of them it gave no scores")
                : ""
        );
}
