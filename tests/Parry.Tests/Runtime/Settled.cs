using Parry.Runtime;

namespace Parry.Tests.Runtime;

/// <summary>A count of tensors that only the test itself changes.</summary>
internal static class Settled
{
    /// <summary>The tensors alive after the collector has freed what other tests left to it.</summary>
    public static long Tensors()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return LiveTensors.Count;
    }
}
