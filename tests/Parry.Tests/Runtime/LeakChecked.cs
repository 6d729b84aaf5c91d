using Parry.Runtime;

namespace Parry.Tests.Runtime;

/// <summary>Fails a test that leaves tensors behind, or takes away ones it did not make.</summary>
public abstract class LeakChecked : IDisposable
{
    private readonly long _before = Settled.Tensors();

    public void Dispose()
    {
        Clean();
        Assert.Equal(_before, LiveTensors.Count);
        GC.SuppressFinalize(this);
    }

    protected virtual void Clean() { }
}
