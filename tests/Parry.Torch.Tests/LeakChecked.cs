namespace Parry.Torch.Tests;

/// <summary>Fails a test that leaves tensors behind, or takes away ones it did not make.</summary>
public abstract class LeakChecked : IDisposable
{
    private readonly long _before = TensorScope.LiveTensors;

    public void Dispose()
    {
        Clean();
        Assert.Equal(_before, TensorScope.LiveTensors);
        GC.SuppressFinalize(this);
    }

    protected virtual void Clean()
    {
    }
}
