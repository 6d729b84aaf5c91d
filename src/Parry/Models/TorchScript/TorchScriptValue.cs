namespace Parry.Models.TorchScript;

/// <summary>The kinds of values in a pickle of TorchScript.</summary>
internal enum TorchScriptKind
{
    None,
    Bool,
    Int,
    Float,
    Complex,
    String,
    Device,
    Tuple,
    List,
    Dict,
    Global,
    StorageType,
    Storage,
    Tensor,
    Instance,
    Object,
}

/// <summary>A value as a pickle describes it, without building it.</summary>
/// <param name="Kind">The kind of value.</param>
/// <param name="Text">The characters of a string; the name of a global, of an object's class, of a list's or
/// dictionary's type once that is known.</param>
/// <param name="Number">An integer; the bytes of a string, of a storage type's element; the elements of a
/// storage.</param>
internal sealed record TorchScriptValue(TorchScriptKind Kind, string Text = "", long Number = 0)
{
    private const int Deepest = 200;
    private const long MostInside = 1 << 22;

    private readonly TorchScriptValue[] _items = [];

    /// <summary>
    /// Its content: the items of a tuple or list, alternating keys and values of a dictionary, the state of an object,
    /// the type of a storage.
    /// </summary>
    /// <exception cref="InvalidDataException">Values are nested too deeply, or are too many if shared ones count each
    /// time.</exception>
    public IReadOnlyList<TorchScriptValue> Items
    {
        get => _items;
        init
        {
            _items = [.. value];
            foreach (TorchScriptValue item in _items)
            {
                Depth = Math.Max(Depth, item.Depth + 1);
                Inside += item.Inside + 1;
                if (Depth > Deepest)
                    throw new InvalidDataException($"its values are nested more than {Deepest} deep");
                if (Inside > MostInside)
                    throw new InvalidDataException($"a value in it holds more than {MostInside} values");
            }
        }
    }

    /// <summary>The sizes of a tensor.</summary>
    public long[] Sizes { get; init; } = [];

    private int Depth { get; init; }

    /// <summary>The number of values inside it; shared ones count each time.</summary>
    public long Inside { get; private init; }

    /// <summary>Whether it is a tuple with items of these kinds.</summary>
    public bool IsTuple(params ReadOnlySpan<TorchScriptKind> kinds)
    {
        if (Kind != TorchScriptKind.Tuple || Items.Count != kinds.Length)
            return false;
        for (int i = 0; i < kinds.Length; i++)
        {
            if (Items[i].Kind != kinds[i])
                return false;
        }

        return true;
    }
}
