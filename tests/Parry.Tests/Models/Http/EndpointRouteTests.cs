using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Parry.Models;
using Parry.Models.Http;
using Parry.Runtime;
using Parry.Tests.Data;
using static Parry.Tests.Models.Http.EndpointServer;
using static TorchSharp.torch;

namespace Parry.Tests.Models.Http;

/// <summary>Certificates, hosts and redirections on the way to a server: named as such, and not tried again.</summary>
public sealed class EndpointRouteTests : IDisposable
{
    private readonly LinearClassifier _model = new(new ImageShape(1, 2, 2), 3, seed: 3);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_certificate_that_is_not_trusted_is_named_and_not_tried_again()
    {
        using X509Certificate2 certificate = Certificate("127.0.0.1", DateTimeOffset.Now.AddDays(1));
        using var server = new EndpointServer(_ => null, certificate);
        string message = Failure(server.Url, Quick);
        Assert.Contains("the certificate is not trusted", message, StringComparison.Ordinal);
        Assert.Contains("--http ca=FILE", message, StringComparison.Ordinal);
        Assert.Contains("SSL_CERT_FILE", message, StringComparison.Ordinal);
        Assert.Contains("after one attempt", message, StringComparison.Ordinal);
        Assert.Equal(1, server.Connections);
    }

    [Fact]
    public void A_certificate_that_was_given_is_trusted()
    {
        using X509Certificate2 certificate = Certificate("127.0.0.1", DateTimeOffset.Now.AddDays(1));
        using var server = new EndpointServer(
            request => Ok(request.Method == "GET" ? Metadata : Infer(_model, request.Body)),
            certificate
        );
        using HttpModel remote = server.Open(Trusting(certificate));
        using Tensor images = full([3, 1, 2, 2], 0.3);
        Assert.Equal(((IPredictor)_model).Predict(images).ToArray<long>(), remote.Predict(images).ToArray<long>());
    }

    [Fact]
    public void Trust_does_not_extend_to_other_hosts_and_past_the_end()
    {
        using X509Certificate2 other = Certificate("10.9.8.7", DateTimeOffset.Now.AddDays(1));
        using var elsewhere = new EndpointServer(_ => null, other);
        Assert.Contains(
            "the certificate is not one of 127.0.0.1",
            Failure(elsewhere.Url, Trusting(other)),
            StringComparison.Ordinal
        );
        using X509Certificate2 old = Certificate("127.0.0.1", DateTimeOffset.Now.AddDays(-1));
        using var past = new EndpointServer(_ => null, old);
        Assert.Contains("expired", Failure(past.Url, Trusting(old)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_without_TLS_is_told_from_a_wrong_certificate()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        Task plain = Task.Run(async () =>
        {
            using TcpClient client = await listener.AcceptTcpClientAsync();
            await client.GetStream().WriteAsync("HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray());
            while (await client.GetStream().ReadAsync(new byte[4096]) > 0) { }
        });
        string message = Failure(new Uri($"https://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/"), Quick);
        Assert.Contains("needs an http:// URL", message, StringComparison.Ordinal);
        Assert.Contains("after one attempt", message, StringComparison.Ordinal);
        await plain;
    }

    [Theory]
    [InlineData("not a certificate")]
    [InlineData("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")]
    public void A_file_without_certificates_is_told(string text)
    {
        File.WriteAllText(Path.Combine(_folder.Path, "ca.pem"), text);
        HttpSettings settings = Quick with { Authorities = Path.Combine(_folder.Path, "ca.pem") };
        Assert.Contains(
            "to hold certificates in PEM",
            Assert
                .Throws<UserErrorException>(() => HttpModel.Open(new Uri("https://127.0.0.1:1/"), settings, Logits))
                .Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_host_that_does_not_exist_is_not_tried_again()
    {
        string message = Failure(new Uri("http://no-such-host.invalid/v2/models/toy"), Quick);
        Assert.Contains("no-such-host.invalid", message, StringComparison.Ordinal);
        Assert.DoesNotContain("after 3 attempts", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/other?key=secret", "/other, which is not followed")]
    [InlineData("https://elsewhere.example/v2/models/toy?key=secret", "https://elsewhere.example/v2/models/toy, which")]
    public void A_redirection_is_named_and_not_followed(string location, string told)
    {
        using var server = new EndpointServer(_ =>
            Status("308 Permanent Redirect", "moved", $"Location: {location}\r\n")
        );
        string message = Failure(server.Url, Quick);
        Assert.Contains(told, message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", message, StringComparison.Ordinal);
        Assert.Equal(1, server.Connections);
    }

    [Theory]
    [InlineData("http://models.example/v2/models/a", "http://proxy.example:3128")]
    [InlineData("http://127.0.0.1:8000/v2/models/a", null)]
    [InlineData("http://localhost/v2/models/a", null)]
    public void A_proxy_is_told_without_its_password_and_never_asked_for_this_machine(string url, string? told)
    {
        var proxy = new WebProxy("http://name:hunter2@proxy.example:3128");
        Assert.Equal(told, EndpointClient.ProxyOf(new Uri(url), proxy));
    }

    private const string Metadata =
        """{"name":"toy","inputs":[{"name":"x","datatype":"FP32","shape":[-1,1,2,2]}],"outputs":[{"name":"y","datatype":"FP32","shape":[-1,3]}]}""";

    private static string Failure(Uri url, HttpSettings settings) =>
        Assert.Throws<EndpointException>(() => HttpModel.Open(url, settings, Logits)).Message;

    private HttpSettings Trusting(X509Certificate2 certificate)
    {
        File.WriteAllText(Path.Combine(_folder.Path, "ca.pem"), certificate.ExportCertificatePem());
        return Quick with { Authorities = Path.Combine(_folder.Path, "ca.pem") };
    }

    private static X509Certificate2 Certificate(string address, DateTimeOffset end)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={address}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Parse(address));
        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 own = request.CreateSelfSigned(end.AddDays(-30), end);
        return X509CertificateLoader.LoadPkcs12(own.Export(X509ContentType.Pkcs12), null);
    }
}
