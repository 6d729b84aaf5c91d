using System.Collections;
using System.Globalization;
using System.Runtime.CompilerServices;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Models.TorchScript;

/// <summary>The tensors that a module returns, and which of them are the scores.</summary>
/// <param name="result">What it returned: a tensor, or a tuple or list, also within others.</param>
/// <param name="fields">The names of the tensors; none if they have none.</param>
internal sealed class TorchScriptScores(object? result, IReadOnlyList<string> fields)
{
    private static readonly string[] s_names = ["logit", "score", "prob", "out"];

    /// <summary>The tensors in their order.</summary>
    public IReadOnlyList<Tensor> Tensors { get; } = Within(result);

    /// <summary>What to choose among, for messages; empty if there is one tensor.</summary>
    public string Choices => Tensors.Count > 1 ? $"its outputs are {List}: choose one (--output {Name(0)})" : "";

    private bool IsNamed => fields.Count == Tensors.Count;

    private string List => string.Join(", ", Tensors.Select((tensor, place) => $"{Name(place)}: {tensor.Describe()}"));

    /// <summary>The place of the scores.</summary>
    /// <param name="images">The number of images that the module was given.</param>
    /// <param name="classes">The number of classes; null if it is not known.</param>
    /// <param name="asked">The place or name of the tensor that is asked for; null to find it.</param>
    /// <exception cref="InvalidDataException">There is no such tensor; or none has a row of scores for each image, or
    /// several do, and nothing tells which are the scores.</exception>
    public int Find(long images, int? classes, string? asked)
    {
        if (asked is not null)
            return PlaceOf(asked);
        int[] places = [.. Enumerable.Range(0, Tensors.Count).Where(i => IsRows(Tensors[i], images))];
        if (places.Length > 1 && classes is { } wanted && Array.Exists(places, i => Width(Tensors[i]) == wanted))
            places = Array.FindAll(places, i => Width(Tensors[i]) == wanted);
        if (places.Length > 1 && IsNamed)
        {
            int named = s_names
                .Select(name => Find(places, i => fields[i].Contains(name, StringComparison.OrdinalIgnoreCase), -1))
                .FirstOrDefault(place => place >= 0, -1);
            if (named >= 0)
                return named;
        }

        // Scores that were scaled or normalized rank the classes as before.
        if (places.Length > 1 && Array.TrueForAll(places, i => RankAlike(Tensors[i], Tensors[places[0]])))
            return Find(places, i => !IsDistribution(Tensors[i]), places[0]);
        string returned = string.Join(", ", Tensors.Select(tensor => tensor.Describe()));
        return places.Length switch
        {
            1 => places[0],
            0 => throw new InvalidDataException(
                $"it returns {(returned.Length > 0 ? returned : "no tensor")}, and none of it is a row of scores for "
                    + $"each of {images} images: export a module whose forward returns only the scores"
            ),
            _ => throw new InvalidDataException($"which of its outputs has the scores cannot be told; {Choices}"),
        };
    }

    private string Name(int place) => IsNamed ? PlainText.Excerpt(fields[place]) : $"{place}";

    private int PlaceOf(string asked)
    {
        int place = IsNamed ? fields.ToList().IndexOf(asked) : -1;
        if (place < 0 && int.TryParse(asked, NumberStyles.None, CultureInfo.InvariantCulture, out int number))
            place = number;
        return place >= 0 && place < Tensors.Count
            ? place
            : throw new InvalidDataException(
                $"it has no output \"{asked}\"; its outputs are {(Tensors.Count > 0 ? List : "no tensors")}"
            );
    }

    private static List<Tensor> Within(object? result) =>
        result switch
        {
            Tensor one => [one],
            ITuple tuple => [.. Enumerable.Range(0, tuple.Length).SelectMany(i => Within(tuple[i]))],
            string => [],
            IEnumerable items => [.. items.Cast<object?>().SelectMany(Within)],
            _ => [],
        };

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
