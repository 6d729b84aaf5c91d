using System.Globalization;

namespace Parry.Evaluation;

/// <summary>A share of an evaluation's images, for one of several processes.</summary>
/// <param name="Index">Which, from 0.</param>
/// <param name="Count">How many there are, at least 1.</param>
public readonly record struct Shard(int Index, int Count)
{
    private const string SlurmTask = "SLURM_ARRAY_TASK_ID";
    private const string KubernetesTask = "JOB_COMPLETION_INDEX";
    private const string CountOfTasks = "PARRY_SHARDS";

    /// <summary>Reads <c>3/8</c>, the third of eight.</summary>
    /// <exception cref="UserErrorException">The text is not of that form, or out of range.</exception>
    public static Shard Parse(string text)
    {
        string[] parts = text.Split('/');
        return
            parts.Length == 2
            && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int count)
            && number >= 1
            && number <= count
            ? new Shard(number - 1, count)
            : throw new UserErrorException($"expected a shard such as 3/8, from 1/8 to 8/8, got \"{text}\"");
    }

    /// <summary>
    /// The shard that a Slurm array or a Kubernetes indexed job gives this process; null where there is neither.
    /// </summary>
    /// <param name="variable">Reads an environment variable.</param>
    /// <exception cref="UserErrorException">The variables do not make a shard.</exception>
    public static Shard? OfEnvironment(Func<string, string?> variable)
    {
        if (Number(SlurmTask) is { } task)
        {
            int first = Number("SLURM_ARRAY_TASK_MIN") ?? 0;
            int step = Number("SLURM_ARRAY_TASK_STEP") ?? 1;
            int tasks = Number("SLURM_ARRAY_TASK_COUNT") ?? 0;
            return Checked((task - first) / Math.Max(1, step), tasks, SlurmTask);
        }

        if (Number(KubernetesTask) is not { } index)
            return null;
        int count =
            Number(CountOfTasks)
            ?? throw new UserErrorException(
                $"{KubernetesTask} is {index}, and the number of shards is not known: set {CountOfTasks} to the job's "
                    + "completions, or give --shard"
            );
        return Checked(index, count, KubernetesTask);

        int? Number(string name) =>
            int.TryParse(variable(name), NumberStyles.None, CultureInfo.InvariantCulture, out int value) ? value : null;
    }

    /// <summary>Its share of a list: neighbors, and as many as any other shard has, give or take one.</summary>
    public IReadOnlyList<T> Of<T>(IReadOnlyList<T> all)
    {
        int from = (int)((long)all.Count * Index / Count);
        int to = (int)((long)all.Count * (Index + 1) / Count);
        return [.. all.Skip(from).Take(to - from)];
    }

    /// <inheritdoc/>
    public override string ToString() => $"shard {Index + 1} of {Count}";

    private static Shard Checked(int index, int count, string name) =>
        index >= 0 && index < count
            ? new Shard(index, count)
            : throw new UserErrorException(
                $"expected {name} to lie within an array of {count}, got {index + 1}: give --shard"
            );
}
