using System.Buffers;
using Microsoft.AspNetCore.Http;

namespace Parry.Cli.Serving;

/// <summary>
/// Reads the bodies of requests into memory. What counts is what has arrived, not what was declared: a client that
/// declares much and sends nothing takes nothing.
/// </summary>
/// <param name="largest">The most bytes that all bodies may take together.</param>
internal sealed class RequestBodies(long largest)
{
    private const int Block = 1 << 16;
    private readonly long _largest = largest;
    private long _held;

    /// <summary>Reads a body; its memory counts until it is disposed of.</summary>
    /// <exception cref="BadHttpRequestException">The body is not valid, too large, or finds no room beside the
    /// others.</exception>
    public async Task<Received> Read(HttpRequest request, CancellationToken cancellation)
    {
        var body = new Received(this);
        byte[] block = ArrayPool<byte>.Shared.Rent(Block);
        try
        {
            while (await request.Body.ReadAsync(block, cancellation) is > 0 and int read)
                body.Add(block.AsSpan(0, read));
            return body;
        }
        catch (Exception e)
        {
            body.Dispose();
            if (e is BadHttpRequestException or not IOException)
                throw;

            // The size of a chunk is not a number, or not one of 31 bits.
            throw new BadHttpRequestException($"the body cannot be read: {e.Message}", 400, e);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }

    /// <summary>A body in memory.</summary>
    internal sealed class Received(RequestBodies all) : IDisposable
    {
        private readonly MemoryStream _bytes = new();

        /// <summary>The body.</summary>
        public ReadOnlySpan<byte> Bytes => _bytes.GetBuffer().AsSpan(0, (int)_bytes.Length);

        /// <summary>Appends what has arrived.</summary>
        public void Add(ReadOnlySpan<byte> block)
        {
            _bytes.Write(block);
            if (Interlocked.Add(ref all._held, block.Length) > all._largest)
                throw new BadHttpRequestException(
                    $"the requests at work hold {all._largest >> 20} MiB already: send fewer at a time, or try again",
                    503
                );
        }

        /// <inheritdoc/>
        public void Dispose()
        {
            Interlocked.Add(ref all._held, -_bytes.Length);
            _bytes.Dispose();
        }
    }
}
