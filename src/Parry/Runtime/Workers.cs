using System.Globalization;
using System.Runtime.ExceptionServices;

namespace Parry.Runtime;

/// <summary>
/// Long-lived threads, one per physical core, each with LibTorch's own threading at one. A batch is split along the
/// sample axis and the workers process the pieces; samples are independent, so the number of workers does not change
/// results.
/// </summary>
public sealed class Workers : IDisposable
{
    private static readonly Lazy<Workers> s_shared = new(() =>
        new Workers(Devices.IsGpu ? 1 : Allowed(PhysicalCores, Environment.GetEnvironmentVariable(SlurmProcessors)))
    );

    private const string SlurmProcessors = "SLURM_CPUS_PER_TASK";

    [ThreadStatic]
    private static bool t_isWorker;

    private readonly Thread[] _threads;
    private readonly Queue<Action> _queue = new();
    private bool _closed;

    /// <summary>Starts a number of workers.</summary>
    public Workers(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        TorchLibrary.Load();
        _threads = new Thread[count];
        for (int i = 0; i < count; i++)
        {
            _threads[i] = new Thread(Work) { IsBackground = true, Name = $"parry-worker-{i}" };
            _threads[i].Start();
        }
    }

    /// <summary>
    /// One worker per physical core, or as many as a Slurm job has processors, or one for a GPU; started at first use.
    /// </summary>
    public static Workers Shared => s_shared.Value;

    /// <summary>The physical cores this process may use.</summary>
    public static int PhysicalCores { get; } = CountPhysicalCores();

    /// <summary>The number of workers.</summary>
    public int Count => _threads.Length;

    /// <summary>
    /// Runs pieces 0 to count - 1, each on some worker, and waits for all of them. Rethrows the first exception.
    /// </summary>
    /// <remarks>Called from a worker, it runs the pieces itself.</remarks>
    public void Run(int count, Action<int> piece, CancellationToken cancellation = default)
    {
        if (t_isWorker)
        {
            for (int i = 0; i < count; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                piece(i);
            }

            return;
        }

        using var done = new CountdownEvent(Math.Max(count, 1));
        if (count == 0)
            return;
        ExceptionDispatchInfo? failure = null;
        for (int i = 0; i < count; i++)
        {
            int index = i;
            Enqueue(() =>
            {
                try
                {
                    if (failure is null && !cancellation.IsCancellationRequested)
                        piece(index);
                }
                catch (Exception e)
                {
                    Interlocked.CompareExchange(ref failure, ExceptionDispatchInfo.Capture(e), null);
                }
                finally
                {
                    done.Signal();
                }
            });
        }

        done.Wait(CancellationToken.None);
        failure?.Throw();
        cancellation.ThrowIfCancellationRequested();
    }

    /// <summary>Maps pieces 0 to count - 1 to results, in order.</summary>
    public T[] Map<T>(int count, Func<int, T> piece, CancellationToken cancellation = default)
    {
        var results = new T[count];
        Run(count, i => results[i] = piece(i), cancellation);
        return results;
    }

    /// <summary>Runs rows 0 to count - 1 in pieces.</summary>
    /// <param name="count">The number of rows.</param>
    /// <param name="size">The most rows of a piece; all pieces but the last have that many.</param>
    /// <param name="piece">Takes the first row of a piece and the row after its last.</param>
    /// <param name="cancellation">Stops between pieces.</param>
    public void RunRows(int count, int size, Action<int, int> piece, CancellationToken cancellation = default) =>
        Run(PieceCount(count, size), i => piece(i * size, Math.Min(count, (i + 1) * size)), cancellation);

    /// <summary>Maps rows 0 to count - 1 in pieces to one result for each piece, in order.</summary>
    /// <inheritdoc cref="RunRows"/>
    public T[] MapRows<T>(int count, int size, Func<int, int, T> piece, CancellationToken cancellation = default) =>
        Map(PieceCount(count, size), i => piece(i * size, Math.Min(count, (i + 1) * size)), cancellation);

    /// <summary>The rows of a piece if all workers are to have equal shares: at least 1, at most a number.</summary>
    public int EqualShare(int count, int most) => Math.Clamp(PieceCount(count, Count), 1, most);

    /// <summary>The number of pieces of a size that rows are cut into.</summary>
    public static int PieceCount(int count, int size) => (count + size - 1) / size;

    /// <summary>
    /// Runs one piece on some worker without blocking the caller, such as the thread of a web request.
    /// </summary>
    public Task<T> Post<T>(Func<T> piece)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Enqueue(() =>
        {
            try
            {
                done.SetResult(piece());
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        });
        return done.Task;
    }

    /// <summary>Ends the workers when the queue is empty.</summary>
    public void Dispose()
    {
        lock (_queue)
        {
            _closed = true;
            Monitor.PulseAll(_queue);
        }

        foreach (Thread thread in _threads)
            thread.Join();
    }

    private void Enqueue(Action action)
    {
        lock (_queue)
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            _queue.Enqueue(action);
            Monitor.Pulse(_queue);
        }
    }

    private void Work()
    {
        t_isWorker = true;
        TorchLibrary.SetThreads(1);
        while (true)
        {
            Action action;
            lock (_queue)
            {
                while (_queue.Count == 0)
                {
                    if (_closed)
                        return;
                    Monitor.Wait(_queue);
                }

                action = _queue.Dequeue();
            }

            action();
        }
    }

    /// <summary>The cores that a job may use; without affinity, a Slurm job sees all of the machine's.</summary>
    /// <param name="cores">The cores that the process sees.</param>
    /// <param name="processors">What Slurm says it has; null elsewhere.</param>
    internal static int Allowed(int cores, string? processors) =>
        int.TryParse(processors, NumberStyles.None, CultureInfo.InvariantCulture, out int given) && given > 0
            ? Math.Min(cores, given)
            : cores;

    private static int CountPhysicalCores()
    {
        try
        {
            var cores = new HashSet<string>();
            foreach (string cpu in Directory.GetDirectories("/sys/devices/system/cpu", "cpu*"))
            {
                string siblings = Path.Combine(cpu, "topology/thread_siblings_list");
                if (File.Exists(siblings))
                    cores.Add(File.ReadAllText(siblings).Trim());
            }

            // ProcessorCount respects affinity and container limits; the topology shows hyper-threads.
            return cores.Count == 0 ? Environment.ProcessorCount : Math.Min(cores.Count, Environment.ProcessorCount);
        }
        catch (IOException)
        {
            return Environment.ProcessorCount;
        }
    }
}
