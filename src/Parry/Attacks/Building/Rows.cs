using Parry.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Parry.Attacks.Building;

/// <summary>Takes and places rows by their positions, for attacks whose finished rows leave the batch.</summary>
public static class Rows
{
    /// <summary>All positions of a batch.</summary>
    public static long[] All(long count) => [.. Enumerable.Range(0, (int)count).Select(i => (long)i)];

    /// <summary>The positions where the mask has a value.</summary>
    public static long[] Where(ReadOnlySpan<bool> mask, bool value)
    {
        var positions = new List<long>();
        for (int i = 0; i < mask.Length; i++)
        {
            if (mask[i] == value)
                positions.Add(i);
        }

        return [.. positions];
    }

    /// <summary>Elements at positions.</summary>
    public static T[] At<T>(this T[] values, long[] positions) => [.. positions.Select(position => values[position])];

    /// <summary>Rows at positions, as a copy.</summary>
    public static Tensor At(this Tensor tensor, long[] positions) => tensor.index_select(0, torch.tensor(positions));

    /// <summary>
    /// Rows at positions; the tensor itself is freed, so that memory stays flat while rows leave one after the other.
    /// </summary>
    public static Tensor Narrow(this Tensor tensor, long[] positions)
    {
        using (tensor)
            return tensor.At(positions);
    }

    /// <summary>Replaces the rows at positions.</summary>
    public static void Put(this Tensor tensor, long[] positions, Tensor rows) =>
        tensor.index_copy_(0, torch.tensor(positions), rows);

    /// <summary>One number per row as [N, 1, 1, 1], to combine with images.</summary>
    public static Tensor Column(IEnumerable<double> numbers) => Column(numbers.Select(number => (float)number));

    /// <inheritdoc cref="Column(IEnumerable{double})"/>
    public static Tensor Column(IEnumerable<float> numbers) => tensor(numbers.ToArray()).reshape(-1, 1, 1, 1);
}
