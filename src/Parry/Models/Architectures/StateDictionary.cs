using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Models.Architectures;

/// <summary>
/// A published PyTorch state dictionary, under the names that the network itself gives: prefixes of data parallelism,
/// checkpoints, compilation or a normalizing wrapper are removed. The tensors stay with their owner.
/// </summary>
internal sealed class StateDictionary
{
    private const int MaximumRank = 4;

    private static readonly string[] s_checkpoints = ["state_dict.", "model_state_dict."];

    // "1" is the network after a normalization in a Sequential.
    private static readonly string[] s_wrappers =
    [
        "module",
        "model",
        "net",
        "network",
        "state_dict",
        "model_state_dict",
        "_orig_mod",
        "1",
    ];

    private readonly Dictionary<string, Tensor> _tensors;

    public StateDictionary(IReadOnlyDictionary<string, Tensor> tensors)
    {
        _tensors = tensors.ToDictionary();
        if (
            s_checkpoints.FirstOrDefault(prefix =>
                tensors.Keys.Any(key => key.StartsWith(prefix, StringComparison.Ordinal))
            ) is
            { } checkpoint
        )
            _tensors = tensors
                .Where(entry => entry.Key.StartsWith(checkpoint, StringComparison.Ordinal))
                .ToDictionary();
        (Mean, Std) = (TakeNumbers("mean", "mu"), TakeNumbers("std", "sigma"));
        if (Std is not null && Std.Any(deviation => deviation <= 0))
            throw new InvalidDataException("A standard deviation of its normalization is not above 0.");

        // Counters, such as num_batches_tracked and epochs, are not weights.
        foreach (
            string counter in _tensors
                .Where(entry => entry.Value.shape.Length == 0)
                .Select(entry => entry.Key)
                .ToArray()
        )
            _tensors.Remove(counter);
        while (
            _tensors.Count > 0
            && s_wrappers.FirstOrDefault(wrapper =>
                _tensors.Keys.All(key => key.StartsWith(wrapper + ".", StringComparison.Ordinal))
            )
                is { } prefix
        )
            _tensors = _tensors.ToDictionary(entry => entry.Key[(prefix.Length + 1)..], entry => entry.Value);
    }

    /// <summary>The mean of a normalizing layer inside, for each channel; null if there is none.</summary>
    public IReadOnlyList<double>? Mean { get; }

    /// <summary>The standard deviation of such a layer.</summary>
    public IReadOnlyList<double>? Std { get; }

    /// <summary>All names.</summary>
    public IEnumerable<string> Names => _tensors.Keys;

    /// <summary>Whether there is a tensor of this name.</summary>
    public bool Has(string name) => _tensors.ContainsKey(name);

    /// <summary>Finds the tensor of this name; null if there is none.</summary>
    public Tensor? Find(string name) => _tensors.GetValueOrDefault(name);

    /// <summary>Returns one size of the tensor of this name.</summary>
    /// <exception cref="InvalidDataException">No tensor has that name, or it has too few dimensions.</exception>
    public int Size(string name, int dimension) =>
        Find(name) is not { } tensor ? throw new InvalidDataException($"The weights have no '{name}'.")
        : dimension < tensor.shape.Length && tensor.size(dimension) is >= 1 and <= int.MaxValue and var size ? (int)size
        : throw new InvalidDataException(
            $"The weight '{name}' is {tensor.Describe()}; it belongs to another architecture."
        );

    /// <summary>Counts the names <c>before0after</c>, <c>before1after</c>, … up to the first gap.</summary>
    public int Count(string before, string after)
    {
        int count = 0;
        while (Has($"{before}{count}{after}"))
            count++;
        return count;
    }

    private double[]? TakeNumbers(params string[] names)
    {
        KeyValuePair<string, Tensor>[] found =
        [
            .. _tensors.Where(entry =>
                names.Contains(entry.Key[(entry.Key.LastIndexOf('.') + 1)..])
                && entry.Value.numel() is 1 or 3
                && entry.Value.shape.Length <= MaximumRank
            ),
        ];
        foreach (var entry in found)
            _tensors.Remove(entry.Key);
        if (found.Length == 0)
            return null;
        using var scope = NewDisposeScope();
        double[] values = [.. found[0].Value.to(ScalarType.Float64).reshape(-1).ToArray<double>()];
        return values.All(double.IsFinite)
            ? values
            : throw new InvalidDataException($"The numbers '{found[0].Key}' are not finite.");
    }
}
