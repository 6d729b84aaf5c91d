using System.Globalization;

namespace Parry.Models.Http;

/// <summary>What a model behind an address was asked.</summary>
/// <param name="Sent">Images sent to it, those of repeated requests again.</param>
/// <param name="Requests">Requests with images, repeated ones again.</param>
/// <param name="Cached">Images that the cache answered.</param>
public sealed record EndpointUse(long Sent, long Requests, long Cached)
{
    /// <inheritdoc/>
    public override string ToString() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{Sent:N0} images sent in {Requests:N0} requests, {Cached:N0} answered from the cache"
        );
}
