using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Runtime;

/// <summary>Numbers that are given to operators while the garbage collector is at work.</summary>
public sealed class ScalarTests
{
    private static readonly TimeSpan s_long = TimeSpan.FromSeconds(3);

    [Fact]
    public void A_number_lives_through_the_call_that_uses_it()
    {
        Assert.True(TorchLibrary.KeepsScalarsAlive);
        using var over = new CancellationTokenSource(s_long);
        var wrong = 0;
        Parallel.Invoke(
            () => Collect(over.Token),
            () => Interlocked.Add(ref wrong, CountWrong(over.Token)),
            () => Interlocked.Add(ref wrong, CountWrong(over.Token))
        );
        Assert.Equal(0, wrong);
    }

    private static void Collect(CancellationToken over)
    {
        while (!over.IsCancellationRequested)
        {
            for (int i = 0; i < 2000; i++)
                GC.KeepAlive(new byte[200]);
            GC.Collect(0);
        }
    }

    private static int CountWrong(CancellationToken over)
    {
        using Tensor one = ones([8]);
        int wrong = 0;
        while (!over.IsCancellationRequested)
        {
            using var scope = NewDisposeScope();
            Tensor three = ((one * 2.0) + 1.0).clamp(0.0, 9.0);
            if (three.ToArray<float>()[0] != 3)
                wrong++;
        }

        return wrong;
    }
}
