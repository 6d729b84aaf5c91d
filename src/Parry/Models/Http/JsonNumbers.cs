using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text.Json;

namespace Parry.Models.Http;

/// <summary>
/// Numbers in JSON: written with few digits that read back as the same float32, and read from untrusted input.
/// </summary>
internal static class JsonNumbers
{
    private const int Longest = 24;
    private const int MostDigits = 15;

    // The bits of a double that a float lacks, and their value half-way between two floats.
    private const long RestMask = (1L << 29) - 1;
    private const long Middle = 1L << 28;

    private static readonly double[] s_powers =
    [
        .. Enumerable.Range(0, MostDigits + 1).Select(power => Math.Pow(10, power)),
    ];

    /// <summary>Writes nested arrays of these sizes.</summary>
    /// <exception cref="ArgumentException">A number is not finite, which JSON cannot express.</exception>
    public static void Write(IBufferWriter<byte> to, ReadOnlySpan<float> values, ReadOnlySpan<int> sizes)
    {
        int each = values.Length / Math.Max(1, sizes[0]);
        Put(to, (byte)'[');
        for (int i = 0; i < sizes[0]; i++)
        {
            if (i > 0)
                Put(to, (byte)',');
            if (sizes.Length > 1)
                Write(to, values.Slice(i * each, each), sizes[1..]);
            else
                Write(to, values[i]);
        }

        Put(to, (byte)']');
    }

    /// <summary>
    /// Replaces what Python writes though JSON has none: NaN and Infinity by null, -Infinity, the score of a class that
    /// is ruled out, by about the smallest float32.
    /// </summary>
    public static byte[] WithNulls(byte[] json)
    {
        if (json.AsSpan().IndexOf("NaN"u8) < 0 && json.AsSpan().IndexOf("Infinity"u8) < 0)
            return json;
        using var all = new MemoryStream();
        bool quoted = false;
        for (int i = 0; i < json.Length; i++)
        {
            ReadOnlySpan<byte> rest = json.AsSpan(i);
            int length =
                quoted ? 0
                : rest.StartsWith("NaN"u8) ? "NaN".Length
                : rest.StartsWith("Infinity"u8) ? "Infinity".Length
                : rest.StartsWith("-Infinity"u8) ? "-Infinity".Length
                : 0;
            if (length > 0)
            {
                all.Write(json[i] == '-' ? "-3.4e38"u8 : "null"u8);
                i += length - 1;
                continue;
            }

            all.WriteByte(json[i]);
            if (json[i] == '"')
                quoted = !quoted;
            else if (json[i] == '\\' && i + 1 < json.Length)
                all.WriteByte(json[++i]);
        }

        return all.ToArray();
    }

    /// <summary>
    /// Appends all numbers of a number or of nested arrays, NaN for null; strings go to <paramref name="texts"/>.
    /// </summary>
    /// <exception cref="InvalidDataException">The element is something else, or a number is beyond float32.</exception>
    public static void Read(JsonElement element, List<float> numbers, List<string>? texts = null)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Array:
                foreach (JsonElement item in element.EnumerateArray())
                    Read(item, numbers, texts);
                break;
            case JsonValueKind.Number:
                numbers.Add(
                    element.TryGetSingle(out float value) && float.IsFinite(value)
                        ? value
                        : throw new InvalidDataException($"{PlainText.Excerpt(element.GetRawText())} is beyond float32")
                );
                break;
            case JsonValueKind.Null:
                numbers.Add(float.NaN);
                break;
            case JsonValueKind.String when texts is not null:
                texts.Add(element.GetString()!);
                break;
            default:
                throw new InvalidDataException($"expected a number, got {PlainText.Excerpt(element.GetRawText())}");
        }
    }

    /// <summary>Parses a number token of JSON, rounded to the nearest float32.</summary>
    /// <param name="token">The token, a valid number.</param>
    /// <param name="value">The number.</param>
    /// <returns>Whether it is in the range of float32.</returns>
    public static bool TryParse(ReadOnlySpan<byte> token, out float value)
    {
        // 0.DIGITS is a whole number divided by a power of ten. With few digits both are exact doubles, so the quotient
        // is the nearest double, and the float nearest to it is right unless it lies halfway between two floats.
        if (token.Length is > 2 and <= 2 + MostDigits && token[0] == '0' && token[1] == '.')
        {
            long digits = 0;
            int i = 2;
            while (i < token.Length && (uint)(token[i] - '0') <= 9)
                digits = (digits * 10) + (token[i++] - '0');
            double quotient = digits / s_powers[i - 2];
            long rest = BitConverter.DoubleToInt64Bits(quotient) & RestMask;
            if (i == token.Length && rest is < Middle - 1 or > Middle + 1)
            {
                value = (float)quotient;
                return true;
            }
        }

        return Utf8Parser.TryParse(token, out value, out int read) && read == token.Length && float.IsFinite(value);
    }

    private static void Write(IBufferWriter<byte> to, float value)
    {
        Span<byte> text = to.GetSpan(Longest);
        if (value is 0 or 1)
        {
            text[0] = (byte)(value == 0 ? '0' : '1');
            to.Advance(1);
            return;
        }

        // Use enough decimals that neighboring float32 differ by more than one in the last, so that the same number is
        // read back.
        int decimals = value switch
        {
            >= 1 => 0,
            >= 0.25f => 8,
            >= 0.03125f => 9,
            >= 0.00390625f => 10,
            _ => 0,
        };
        if (decimals > 0)
        {
            long digits = (long)Math.Round(value * s_powers[decimals]);
            while (digits % 10 == 0)
                (digits, decimals) = (digits / 10, decimals - 1);
            for (int i = decimals + 1; i > 1; i--)
                (text[i], digits) = ((byte)('0' + (digits % 10)), digits / 10);
            (text[0], text[1]) = ((byte)'0', (byte)'.');
            to.Advance(decimals + 2);
            return;
        }

        if (!float.IsFinite(value))
            throw new ArgumentException($"{value} cannot be written as JSON.", nameof(value));
        value.TryFormat(text, out int written, default, CultureInfo.InvariantCulture);
        to.Advance(written);
    }

    private static void Put(IBufferWriter<byte> to, byte value)
    {
        to.GetSpan(1)[0] = value;
        to.Advance(1);
    }
}
