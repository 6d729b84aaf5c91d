namespace Parry.Cli;

/// <summary>What was loaded for one run, freed at its end.</summary>
internal sealed class Owned : IDisposable
{
    private readonly List<IDisposable> _items = [];

    /// <summary>Takes over an object and gives it back.</summary>
    public T Add<T>(T item)
    {
        if (item is IDisposable disposable) _items.Add(disposable);
        return item;
    }

    /// <summary>Frees all.</summary>
    public void Dispose() => _items.ForEach(item => item.Dispose());
}
