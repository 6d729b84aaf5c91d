using Parry.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Parry.Tests.Runtime;

/// <summary>Fails a test that leaves tensors behind, or takes away ones it did not make.</summary>
public abstract class LeakChecked : IDisposable
{
    private readonly long _before = Tensor.TotalCount;

    public void Dispose()
    {
        Clean();
        Assert.Equal(_before, Tensor.TotalCount);
        GC.SuppressFinalize(this);
    }

    protected virtual void Clean()
    {
    }
}
