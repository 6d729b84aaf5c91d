namespace Parry.Torch;

/// <summary>
/// Frees every tensor made on this thread between its creation and its disposal, except what <see cref="Keep{T}(T)"/> hands to
/// the scope outside. Scopes nest; one never crosses an await, which the compiler enforces.
/// </summary>
/// <example><code>
/// using var scope = new TensorScope();
/// return scope.Keep(images.Sub(mean).Div(deviation));
/// </code></example>
public readonly ref struct TensorScope : IDisposable
{
    internal static long s_live;

    [ThreadStatic]
    private static Frame? t_current;

    private readonly Frame _frame;

    /// <summary>Opens a scope inside the current one.</summary>
    public TensorScope() => t_current = _frame = new Frame(t_current);

    /// <summary>Tensors alive in this process, in scopes or not.</summary>
    public static long LiveTensors => Interlocked.Read(ref s_live);

    /// <summary>Tensors made in this scope so far, freed or not.</summary>
    public int Created => _frame.Tensors.Count;

    /// <summary>Hands a tensor to the scope outside, or to the caller when there is none.</summary>
    public Tensor Keep(Tensor tensor)
    {
        if (_frame.Tensors.Remove(tensor)) _frame.Outer?.Tensors.Add(tensor);
        return tensor;
    }

    /// <summary>Hands tensors to the scope outside, or to the caller when there is none.</summary>
    public T Keep<T>(T tensors) where T : IEnumerable<Tensor>
    {
        foreach (Tensor tensor in tensors) Keep(tensor);
        return tensors;
    }

    /// <summary>Frees what was made inside and not kept.</summary>
    public void Dispose()
    {
        if (t_current != _frame) throw new InvalidOperationException("Tensor scopes must be closed innermost first, on the thread that opened them.");
        foreach (Tensor tensor in _frame.Tensors) tensor.Dispose();
        t_current = _frame.Outer;
    }

    internal static void Register(Tensor tensor)
    {
        Interlocked.Increment(ref s_live);
        t_current?.Tensors.Add(tensor);
    }

    /// <summary>Takes a tensor out of every scope of this thread: its owner frees it.</summary>
    internal static void Release(Tensor tensor)
    {
        for (Frame? frame = t_current; frame is not null; frame = frame.Outer)
        {
            if (frame.Tensors.Remove(tensor)) return;
        }
    }

    private sealed class Frame(Frame? outer)
    {
        public Frame? Outer { get; } = outer;

        public HashSet<Tensor> Tensors { get; } = new(ReferenceEqualityComparer.Instance);
    }
}
