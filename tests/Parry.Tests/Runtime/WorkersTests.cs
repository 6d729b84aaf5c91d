using System.Collections.Concurrent;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Runtime;

public class WorkersTests : LeakChecked
{
    [Fact]
    public void Results_come_in_order_whoever_computes_them()
    {
        using var workers = new Workers(3);
        Assert.Equal(
            Enumerable.Range(0, 50).Select(i => i * i),
            workers.Map(
                50,
                i =>
                {
                    Thread.Sleep((50 - i) % 3);
                    return i * i;
                }
            )
        );
        Assert.Empty(workers.Map(0, i => i));
    }

    [Fact]
    public void An_exception_reaches_the_caller_and_the_workers_go_on()
    {
        using var workers = new Workers(2);
        var error = Assert.Throws<InvalidDataException>(() =>
            workers.Run(5, i => throw new InvalidDataException("piece"))
        );
        Assert.Equal("piece", error.Message);
        Assert.Equal([0, 1], workers.Map(2, i => i));
    }

    [Fact]
    public void A_run_inside_a_worker_runs_on_that_worker()
    {
        using var workers = new Workers(1);
        int[] inner = workers.Map(
            1,
            _ =>
            {
                int here = Environment.CurrentManagedThreadId;
                return workers.Map(3, _ => Environment.CurrentManagedThreadId == here ? 1 : 0);
            }
        )[0];
        Assert.Equal([1, 1, 1], inner);
    }

    [Fact]
    public void Each_worker_has_its_own_gradient_mode_and_one_LibTorch_thread()
    {
        using var workers = new Workers(2);
        using var frozen = no_grad();
        var seen = new ConcurrentDictionary<int, int>();
        bool[] enabled = workers.Map(
            8,
            _ =>
            {
                using var scope = NewDisposeScope();
                seen[Environment.CurrentManagedThreadId] = TorchLibrary.Threads;
                Thread.Sleep(2);
                bool recorded = ones([1]).requires_grad_().mul(2.0).requires_grad;
                using var off = no_grad();
                return recorded && !is_grad_enabled();
            }
        );
        Assert.All(enabled, Assert.True);
        Assert.All(seen.Values, threads => Assert.Equal(1, threads));
        Assert.DoesNotContain(Environment.CurrentManagedThreadId, seen.Keys);
        Assert.False(is_grad_enabled());
    }

    [Fact]
    public void Scopes_and_gradients_on_workers_leave_nothing_behind()
    {
        using var workers = new Workers(2);
        double[] slopes = workers.Map(
            40,
            i =>
            {
                using var scope = NewDisposeScope();
                Tensor x = tensor(new double[] { (double)i }).requires_grad_();
                return Autograd.Grad(x.mul(x).sum(), x).Item();
            }
        );
        Assert.Equal(Enumerable.Range(0, 40).Select(i => 2.0 * i), slopes);
    }

    [Fact]
    public void Cancellation_skips_the_pieces_not_begun()
    {
        using var workers = new Workers(1);
        using var source = new CancellationTokenSource();
        int begun = 0;
        Assert.Throws<OperationCanceledException>(() =>
            workers.Run(
                10,
                i =>
                {
                    begun++;
                    if (i == 2)
                        source.Cancel();
                },
                source.Token
            )
        );
        Assert.Equal(3, begun);
    }

    [Fact]
    public void Closed_workers_refuse_work()
    {
        var workers = new Workers(1);
        workers.Dispose();
        Assert.Throws<ObjectDisposedException>(() => workers.Run(1, _ => { }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Workers(0));
    }

    [Fact]
    public void LibTorch_starts_with_one_thread()
    {
        Assert.Equal(1, TorchLibrary.Threads);
        Assert.StartsWith("2.10", TorchLibrary.Version, StringComparison.Ordinal);
        Assert.InRange(Workers.PhysicalCores, 1, Environment.ProcessorCount);
    }

    [Fact]
    public void Workers_that_multiply_at_once_get_what_one_alone_gets()
    {
        using var random = new Generator(1);
        using Tensor left = randn([96, 320], generator: random);
        using Tensor right = randn([320, 64], generator: random);
        using Tensor expected = left.mm(right);
        float[] alone = expected.ToArray<float>();
        bool[] same = Workers.Shared.Map(
            2000,
            _ =>
            {
                using Tensor product = left.mm(right);
                return product.ToArray<float>().AsSpan().SequenceEqual(alone);
            }
        );
        Assert.DoesNotContain(false, same);
    }

    [Fact]
    public async Task A_posted_piece_gives_its_result_or_its_exception_to_whoever_awaits_it()
    {
        using var workers = new Workers(1);
        Assert.Equal("parry-worker-0", await workers.Post(() => Thread.CurrentThread.Name));
        await Assert.ThrowsAsync<TimeoutException>(() => workers.Post<int>(() => throw new TimeoutException()));
        Assert.Equal(3, await workers.Post(() => 3));
    }

    [Theory]
    [InlineData(8, null, 8)]
    [InlineData(8, "2", 2)]
    [InlineData(8, "16", 8)]
    [InlineData(8, "0", 8)]
    [InlineData(8, "many", 8)]
    public void A_Slurm_job_has_as_many_workers_as_processors(int cores, string? processors, int workers) =>
        Assert.Equal(workers, Workers.Allowed(cores, processors));
}
