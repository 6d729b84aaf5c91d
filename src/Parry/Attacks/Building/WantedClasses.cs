using Parry.Runtime;

namespace Parry.Attacks.Building;

/// <summary>Sorts training images by the class wanted of them, for attacks that learn each class apart.</summary>
internal static class WantedClasses
{
    /// <summary>Stands for the class where any class but the true one is wanted.</summary>
    public const long Any = 0;

    /// <summary>The wanted classes in ascending order; <see cref="Any"/> alone for an untargeted goal.</summary>
    public static long[] Of(Goal goal) => goal.IsTargeted ? [.. goal.Labels.ToArray<long>().Distinct().Order()] : [Any];

    /// <summary>The rows of which a class is wanted; all of an untargeted batch.</summary>
    public static Batch Wanting(this Batch data, long label)
    {
        if (!data.Goal.IsTargeted)
            return data;
        bool[] wanting = [.. data.Goal.Labels.ToArray<long>().Select(wanted => wanted == label)];
        return data.Select(Rows.Where(wanting, true));
    }
}
