using Microsoft.AspNetCore.Http;

namespace Parry.Cli.Serving;

/// <summary>
/// Tells requests of this machine's programs from those of web pages. A page that is open in a browser reaches a server
/// on this machine under the page's own host name, by an address that its owner gave that name, or across sites.
/// </summary>
internal static class LocalRequests
{
    private static readonly string[] s_names = ["127.0.0.1", "localhost"];

    /// <summary>The status and the reason to refuse a request with; null for one that is welcome.</summary>
    public static (int Status, string Why)? Refusal(HttpRequest request)
    {
        if (!s_names.Contains(request.Host.Host, StringComparer.OrdinalIgnoreCase))
            return (
                StatusCodes.Status421MisdirectedRequest,
                "expected the host 127.0.0.1 or localhost in the request, got another: this server answers only "
                    + "programs on this machine"
            );
        bool changes = !HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method);
        string? origin = request.Headers.Origin;
        return changes && origin is not null && origin != $"{request.Scheme}://{request.Host}"
            ? (StatusCodes.Status403Forbidden, "the request comes from a page of another site, which may not ask")
            : null;
    }
}
