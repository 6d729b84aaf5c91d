using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;

namespace Parry.Models.Http;

/// <summary>What is wrong with one attempt to ask an endpoint.</summary>
/// <param name="Text">One line.</param>
/// <param name="MayPass">Whether another attempt may succeed.</param>
internal sealed record Complaint(string Text, bool MayPass)
{
    /// <summary>How long the server asks to wait; null if it does not.</summary>
    public TimeSpan? RetryAfter { get; private init; }

    /// <summary>The most images to send instead, if the server refused their number; otherwise null.</summary>
    public int? MostImages { get; private init; }

    /// <summary>An answer with a status other than 200.</summary>
    /// <param name="response">The answer.</param>
    /// <param name="body">Its body, or the start of it.</param>
    /// <param name="address">The URL of the request.</param>
    /// <param name="images">The number of images in it; 0 if it asked for the model's metadata.</param>
    public static Complaint Of(HttpResponseMessage response, byte[] body, Uri address, int images)
    {
        int status = (int)response.StatusCode;
        string text = ServerText.OfError(body);
        string quoted = text.Length > 0 ? $" \"{text}\"" : "";
        string more = response switch
        {
            { StatusCode: >= (HttpStatusCode)300 and < (HttpStatusCode)400, Headers.Location: { } location } =>
                $" to {Elsewhere(address, location)}, which is not followed: give that URL",
            { StatusCode: HttpStatusCode.ProxyAuthenticationRequired } =>
                $"{quoted}: the proxy asks for a name and a password, as in HTTPS_PROXY=http://NAME:PASSWORD@HOST:PORT",
            { StatusCode: HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed } when images == 0 =>
                $"{quoted}: give a URL …/v2/models/NAME, or --http template=FILE for another protocol",
            _ => quoted,
        };
        return new Complaint($"HTTP {status}{more}", status is 408 or 429 or >= 500)
        {
            RetryAfter = response.Headers.RetryAfter switch
            {
                { Delta: { } pause } => pause,
                { Date: { } date } => date - DateTimeOffset.UtcNow,
                _ => null,
            },
            MostImages = BatchLimit.Told(status, text, images),
        };
    }

    /// <summary>An answer that cannot be read.</summary>
    /// <param name="why">What is wrong with it.</param>
    /// <param name="body">The answer.</param>
    /// <param name="images">The number of images in the request; 0 if it asked for the model's metadata, which does not
    /// change from one attempt to the next.</param>
    public static Complaint Of(InvalidDataException why, byte[] body, int images)
    {
        string start = ServerText.OneLine(body);
        string quoted = start.Length > 0 ? $"; it begins \"{start}\"" : "; it is empty";
        return new Complaint($"the answer is not usable: {PlainText.OneLine(why.Message)}{quoted}", images > 0);
    }

    /// <summary>No answer in time.</summary>
    public static Complaint Late(TimeSpan limit) =>
        new(
            string.Create(CultureInfo.InvariantCulture, $"no answer within {limit.TotalSeconds:0.###} seconds"),
            MayPass: true
        );

    /// <summary>A connection that failed.</summary>
    /// <param name="failure">How.</param>
    /// <param name="address">The URL of the request.</param>
    /// <param name="reached">Whether the endpoint has answered before: what has worked may work again.</param>
    public static Complaint Of(Exception failure, Uri address, bool reached)
    {
        Exception cause = failure.GetBaseException();
        string reason = ServerText.OneLine(cause.Message.TrimEnd('.'));
        string? proxy = EndpointClient.ProxyOf(address);
        HttpRequestError? kind = (failure as HttpRequestException)?.HttpRequestError;
        if (cause is AuthenticationException || kind == HttpRequestError.SecureConnectionError)
            return new Complaint($"{Secure(address, reason)}", MayPass: false);
        if (proxy is not null)
            return new Complaint(
                $"the connection through the proxy {proxy} failed ({reason}): it comes from HTTP_PROXY, HTTPS_PROXY "
                    + $"or ALL_PROXY; NO_PROXY={address.Host} goes without it",
                reached
            );
        bool unknown = cause is SocketException { SocketErrorCode: SocketError.HostNotFound };
        return unknown
            ? new Complaint($"there is no host {address.Host} ({reason})", reached)
            : new Complaint($"the connection failed ({reason})", MayPass: true);
    }

    private static string Secure(Uri address, string reason) =>
        !reason.Contains("certificate", StringComparison.OrdinalIgnoreCase)
            ? $"no secure connection ({reason}): a server without TLS needs an http:// URL"
        : reason.Contains("NameMismatch", StringComparison.Ordinal)
            ? $"the certificate is not one of {address.Host} ({reason}): give the host that it names"
        : reason.Contains("NotTimeValid", StringComparison.Ordinal)
            ? $"the certificate has expired or is not yet valid ({reason}): renew it, or correct this machine's "
                + "clock"
        : $"the certificate is not trusted ({reason}): give its authority's certificate with --http ca=FILE, or "
            + "set SSL_CERT_FILE";

    // What follows the path may be secret.
    private static string Elsewhere(Uri address, Uri location) =>
        Uri.TryCreate(address, location, out Uri? joined)
            ? ServerText.OneLine(Endpoint.Shown(joined))
            : ServerText.OneLine(location.OriginalString);
}
