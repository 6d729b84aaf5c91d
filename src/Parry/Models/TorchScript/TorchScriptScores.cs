using System.Collections;
using System.Runtime.CompilerServices;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Models.TorchScript;

/// <summary>Finds the scores among the tensors that a module returns.</summary>
internal static class TorchScriptScores
{
    private static readonly string[] s_names = ["logit", "score", "prob", "out"];

    /// <summary>The tensors in a tuple or list, also within others, in their order.</summary>
    public static List<Tensor> Tensors(object? result) =>
        result switch
        {
            Tensor one => [one],
            ITuple tuple => [.. Enumerable.Range(0, tuple.Length).SelectMany(i => Tensors(tuple[i]))],
            string => [],
            IEnumerable items => [.. items.Cast<object?>().SelectMany(Tensors)],
            _ => [],
        };

    /// <summary>The place of the scores.</summary>
    /// <param name="tensors">What the module returned.</param>
    /// <param name="images">The number of images that it was given.</param>
    /// <param name="classes">The number of classes; null if it is not known.</param>
    /// <param name="fields">The names of the tensors; none if they have none.</param>
    /// <exception cref="InvalidDataException">No tensor has a row of scores for each image, or several do, and nothing
    /// tells which are the scores.</exception>
    public static int Find(IReadOnlyList<Tensor> tensors, long images, int? classes, IReadOnlyList<string> fields)
    {
        int[] places = [.. Enumerable.Range(0, tensors.Count).Where(i => IsRows(tensors[i], images))];
        if (places.Length > 1 && classes is { } wanted && Array.Exists(places, i => Width(tensors[i]) == wanted))
            places = Array.FindAll(places, i => Width(tensors[i]) == wanted);
        if (places.Length > 1 && fields.Count == tensors.Count)
        {
            int named = s_names
                .Select(name => Find(places, i => fields[i].Contains(name, StringComparison.OrdinalIgnoreCase), -1))
                .FirstOrDefault(place => place >= 0, -1);
            if (named >= 0)
                return named;
        }

        // Scores that were scaled or normalized rank the classes as before.
        if (places.Length > 1 && Array.TrueForAll(places, i => RankAlike(tensors[i], tensors[places[0]])))
            return Find(places, i => !IsDistribution(tensors[i]), places[0]);
        string returned = string.Join(", ", tensors.Select(tensor => tensor.Describe()));
        return places.Length switch
        {
            1 => places[0],
            0 => throw new InvalidDataException(
                $"it returns {(returned.Length > 0 ? returned : "no tensor")}, and none of it is a row of scores for "
                    + $"each of {images} images: export a module whose forward returns only the scores"
            ),
            _ => throw new InvalidDataException(
                $"it returns several tensors ({returned}), and which of them are the scores cannot be told: export a "
                    + "module whose forward returns only the scores"
            ),
        };
    }

    private static int Find(int[] places, Predicate<int> fits, int otherwise)
    {
        int at = Array.FindIndex(places, fits);
        return at < 0 ? otherwise : places[at];
    }

    private static bool IsRows(Tensor tensor, long images) =>
        tensor.is_floating_point()
        && tensor.shape.Length > 0
        && tensor.size(0) == images
        && tensor.shape.Skip(2).All(size => size == 1)
        && tensor.numel() > 0;

    private static long Width(Tensor tensor) => tensor.numel() / tensor.size(0);

    private static bool RankAlike(Tensor first, Tensor second) =>
        first.shape.SequenceEqual(second.shape) && Ranks(first).SequenceEqual(Ranks(second));

    private static long[] Ranks(Tensor rows) => rows.reshape(rows.size(0), -1).argsort(1).ToArray<long>();

    private static bool IsDistribution(Tensor rows) =>
        rows.to(ScalarType.Float32)
            .ToArray<float>()
            .Chunk((int)Width(rows))
            .All(row => InputContract.IsDistribution(row));
}
