using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Parry.Data.Files;

namespace Parry.Models.Http;

/// <summary>Makes the client that sends requests: headers, token, certificates, proxy.</summary>
internal static class EndpointClient
{
    /// <summary>Makes a client for one server.</summary>
    /// <param name="settings">How the server is asked.</param>
    /// <param name="token">The bearer token; null for none.</param>
    /// <param name="server">A URL of it.</param>
    /// <exception cref="UserErrorException">A header is not valid, or the certificates cannot be read.</exception>
    public static HttpClient Of(HttpSettings settings, string? token, Uri server)
    {
        // Follow no redirections: one could send the token to another host.
        var client = new HttpClient(
            new SocketsHttpHandler
            {
                AllowAutoRedirect = false,
                AutomaticDecompression = DecompressionMethods.GZip | DecompressionMethods.Deflate,
                UseCookies = false,
                UseProxy = ProxyOf(server) is not null,
                MaxConnectionsPerServer = settings.Concurrency,
                ConnectTimeout = settings.Timeout,
                PooledConnectionLifetime = TimeSpan.FromMinutes(5),
                SslOptions = new SslClientAuthenticationOptions
                {
                    CertificateChainPolicy = settings.Authorities is { } file ? Trusting(file) : null,
                },
            }
        )
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
        IReadOnlyDictionary<string, string> headers = settings.Template?.Headers ?? new Dictionary<string, string>();
        bool placed = headers.Values.Any(value => value.Contains(RequestTemplate.Token, StringComparison.Ordinal));
        if (placed && token is null)
            throw new UserErrorException(
                $"the template's headers contain {RequestTemplate.Token}: give --http token-env=NAME, the environment "
                    + "variable with the token"
            );
        try
        {
            if (token is not null && !placed)
                client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
            foreach (var (name, value) in headers)
                client.DefaultRequestHeaders.Add(
                    name,
                    value.Replace(RequestTemplate.Token, token, StringComparison.Ordinal)
                );
            return client;
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

    /// <summary>
    /// The proxy that the environment names for a server (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY), without its
    /// password; null if it is asked directly, as this machine always is.
    /// </summary>
    public static string? ProxyOf(Uri server) => ProxyOf(server, HttpClient.DefaultProxy);

    /// <summary>The one of these proxies for a server.</summary>
    internal static string? ProxyOf(Uri server, IWebProxy proxies) =>
        !server.IsLoopback && !proxies.IsBypassed(server) && proxies.GetProxy(server) is { } proxy && proxy != server
            ? proxy.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped)
            : null;

    private static X509ChainPolicy Trusting(string file)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
        };
        try
        {
            policy.CustomTrustStore.ImportFromPem(TextFile.Read(file));
            return policy.CustomTrustStore.Count > 0 ? policy : throw new CryptographicException("none");
        }
        catch (CryptographicException e)
        {
            throw new UserErrorException(
                $"expected --http ca={file} to hold certificates in PEM (-----BEGIN CERTIFICATE-----), got none that "
                    + "can be read: convert it with openssl x509 -inform der",
                e
            );
        }
    }
}
