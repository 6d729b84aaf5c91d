using System.Globalization;

namespace Parry.Models.Http;

/// <summary>How much a model served over HTTP was used.</summary>
/// <param name="Sent">Images sent, including those of repeated requests.</param>
/// <param name="Requests">Requests with images, including repeated ones.</param>
/// <param name="Cached">Images answered from the cache.</param>
public sealed record EndpointUse(long Sent, long Requests, long Cached)
{
    /// <inheritdoc/>
    public override string ToString() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{Sent:N0} images sent in {Requests:N0} requests, {Cached:N0} answered from the cache"
        );
}
