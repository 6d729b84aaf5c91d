using TorchSharp;

namespace Parry.Runtime;

/// <summary>
/// Counts the tensors that are alive. TorchSharp counts a tensor that became a parameter of a network twice and never
/// corrects that.
/// </summary>
public static class LiveTensors
{
    private static long s_parameters;

    /// <summary>The number of live tensors in this process, inside and outside scopes.</summary>
    public static long Count => torch.Tensor.TotalCount - Interlocked.Read(ref s_parameters);

    /// <summary>Records that tensors became parameters.</summary>
    internal static void BecameParameters(int count) => Interlocked.Add(ref s_parameters, count);
}
