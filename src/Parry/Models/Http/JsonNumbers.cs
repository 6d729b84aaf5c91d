using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace Parry.Models.Http;

/// <summary>Numbers in JSON: written short but so that they read back as the same float32, and read from whoever sends them.</summary>
internal static class JsonNumbers
{
    private const int Longest = 24;

    /// <summary>Writes nested arrays of these sizes.</summary>
    /// <exception cref="ArgumentException">A number is not finite: JSON has no word for it.</exception>
    public static void Write(IBufferWriter<byte> to, ReadOnlySpan<float> values, ReadOnlySpan<int> sizes)
    {
        int each = values.Length / Math.Max(1, sizes[0]);
        Put(to, (byte)'[');
        for (int i = 0; i < sizes[0]; i++)
        {
            if (i > 0) Put(to, (byte)',');
            if (sizes.Length > 1) Write(to, values.Slice(i * each, each), sizes[1..]);
            else Write(to, values[i]);
        }

        Put(to, (byte)']');
    }

    /// <summary>Appends all numbers of a number or of nested arrays; strings go to <paramref name="texts"/>.</summary>
    /// <exception cref="InvalidDataException">Something else stands there, or a number is beyond float32.</exception>
    public static void Read(JsonElement element, List<float> numbers, List<string>? texts = null)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Array:
                foreach (JsonElement item in element.EnumerateArray()) Read(item, numbers, texts);
                break;
            case JsonValueKind.Number:
                numbers.Add(element.TryGetSingle(out float value) && float.IsFinite(value) ? value : throw new InvalidDataException($"{Shown(element.GetRawText())} is no number that float32 holds"));
                break;
            case JsonValueKind.String when texts is not null:
                texts.Add(element.GetString()!);
                break;
            default:
                throw new InvalidDataException($"{Shown(element.GetRawText())} stands where a number was expected");
        }
    }

    private static string Shown(string text) => text.Length <= 40 ? text : text[..40] + "…";

    private static void Write(IBufferWriter<byte> to, float value)
    {
        if (!float.IsFinite(value)) throw new ArgumentException($"{value} cannot be written as JSON.", nameof(value));
        value.TryFormat(to.GetSpan(Longest), out int written, default, CultureInfo.InvariantCulture);
        to.Advance(written);
    }

    private static void Put(IBufferWriter<byte> to, byte value)
    {
        to.GetSpan(1)[0] = value;
        to.Advance(1);
    }
}
