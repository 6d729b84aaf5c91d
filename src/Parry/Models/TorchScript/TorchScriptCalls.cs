namespace Parry.Models.TorchScript;

/// <summary>The functions that pickles of TorchScript call, with the arguments that LibTorch expects.</summary>
internal static class TorchScriptCalls
{
    private const int MostDimensions = 64;

    private static readonly string[] s_functions =
    [
        "torch._utils._rebuild_tensor_v2",
        "torch._utils._rebuild_qtensor",
        "torch.per_tensor_affine",
        "torch.per_channel_affine",
        "torch.per_channel_affine_float_qparams",
        "torch.jit._pickle.build_intlist",
        "torch.jit._pickle.build_doublelist",
        "torch.jit._pickle.build_boollist",
        "torch.jit._pickle.build_tensorlist",
        "torch.jit._pickle.restore_type_tag",
        "collections.OrderedDict",
        "torch.device",
        "builtins.complex",
    ];

    /// <summary>Resolves a name in a pickle: a class of the archive, a function, or the type of a storage.</summary>
    /// <exception cref="InvalidDataException">The name is unknown.</exception>
    public static TorchScriptValue Global(string module, string name)
    {
        string full = $"{module}.{name}";
        if (
            module == "torch"
            && name.EndsWith("Storage", StringComparison.Ordinal)
            && ElementBytes(name[..^7]) is > 0 and int size
        )
            return new TorchScriptValue(TorchScriptKind.StorageType, name[..^7], size);
        if (!s_functions.Contains(full) && !IsClass(full))
            throw new InvalidDataException($"it names \"{PlainText.Excerpt(full)}\", which is not part of TorchScript");
        return new TorchScriptValue(TorchScriptKind.Global, full);
    }

    /// <summary>Whether a name is that of a class in an archive.</summary>
    public static bool IsClass(string name) =>
        name.Split('.') is ["__torch__", _, ..] parts
        && Array.TrueForAll(
            parts,
            part => part.Length > 0 && part.All(letter => char.IsAsciiLetterOrDigit(letter) || letter == '_')
        );

    /// <summary>Reads the storage from a tuple of ("storage", type, key, device, elements).</summary>
    /// <param name="reference">The tuple.</param>
    /// <param name="record">Returns the number of bytes of a record by its key.</param>
    /// <exception cref="InvalidDataException">The value is not such a tuple, or its record is missing or too
    /// small.</exception>
    public static TorchScriptValue Storage(TorchScriptValue reference, Func<string, long?> record)
    {
        if (
            !reference.IsTuple(
                TorchScriptKind.String,
                TorchScriptKind.StorageType,
                TorchScriptKind.String,
                TorchScriptKind.String,
                TorchScriptKind.Int
            )
            || reference.Items[0].Text != "storage"
        )
            throw new InvalidDataException("a storage is not named by its type, record, device and elements");
        (TorchScriptValue type, string key, long elements) = (
            reference.Items[1],
            reference.Items[2].Text,
            reference.Items[4].Number
        );
        if (elements < 0 || elements > long.MaxValue / type.Number)
            throw new InvalidDataException($"a storage has {elements} elements");
        if (elements > 0 && (record(key) ?? 0) < elements * type.Number)
            throw new InvalidDataException(
                $"a storage of {elements * type.Number} bytes has a record \"{PlainText.Excerpt(key)}\" of "
                    + $"{record(key) ?? 0}"
            );
        return new TorchScriptValue(TorchScriptKind.Storage, type.Text, elements);
    }

    /// <summary>The result of a function for its arguments.</summary>
    /// <exception cref="InvalidDataException">The arguments do not fit the function.</exception>
    public static TorchScriptValue Call(string function, TorchScriptValue arguments)
    {
        if (IsClass(function))
            return new TorchScriptValue(TorchScriptKind.Object, function) { Items = [arguments] };
        string name = function[(function.LastIndexOf('.') + 1)..];
        IReadOnlyList<TorchScriptValue> items = arguments.Kind == TorchScriptKind.Tuple ? arguments.Items : [];
        switch (name)
        {
            // The last two arguments are whether the tensor requires a gradient, and its backward hooks.
            case "_rebuild_tensor_v2" when items.Count == 6 && !IsQuantized(items[0]) && EndsWithFlags(items):
                return Tensor(items[0], items[1], items[2], items[3]);
            case "_rebuild_qtensor" when items.Count == 7 && IsQuantized(items[0]) && EndsWithFlags(items):
                TorchScriptValue tensor = Tensor(items[0], items[1], items[2], items[3]);
                return IsScheme(items[4], tensor.Sizes)
                    ? tensor
                    : throw new InvalidDataException("a tensor's quantization does not fit its shape");
            // LibTorch itself checks the arguments of the functions that follow.
            case "OrderedDict":
                return new TorchScriptValue(TorchScriptKind.None);
            case "device":
                return new TorchScriptValue(TorchScriptKind.Device);
            case "complex":
                return new TorchScriptValue(TorchScriptKind.Complex);
            case "restore_type_tag" when items is [var container, { Kind: TorchScriptKind.String } type]:
                return Tagged(container, type.Text, function);
            case "build_intlist" when IsPlainList(items):
            case "build_doublelist" when IsPlainList(items):
            case "build_boollist" when IsPlainList(items):
            case "build_tensorlist" when IsPlainList(items):
                return items[0] with { Text = name };
            default:
                throw WrongArguments(function);
        }
    }

    private static int ElementBytes(string type) =>
        type switch
        {
            "Byte" or "Char" or "Bool" or "QInt8" or "QUInt8" => 1,
            "Short" or "Half" or "BFloat16" => 2,
            "Int" or "Float" or "ComplexHalf" or "QInt32" => 4,
            "Long" or "Double" or "ComplexFloat" => 8,
            "ComplexDouble" => 16,
            _ => 0,
        };

    private static TorchScriptValue Tensor(
        TorchScriptValue storage,
        TorchScriptValue offset,
        TorchScriptValue sizes,
        TorchScriptValue strides
    )
    {
        if (
            storage.Kind != TorchScriptKind.Storage
            || offset.Kind != TorchScriptKind.Int
            || sizes.Kind != TorchScriptKind.Tuple
            || strides.Kind != TorchScriptKind.Tuple
            || sizes.Items.Count != strides.Items.Count
            || sizes.Items.Count > MostDimensions
            || sizes.Items.Concat(strides.Items).Any(item => item.Kind != TorchScriptKind.Int)
        )
            throw new InvalidDataException(
                "expected a tensor of a storage, an offset, sizes and the same number of strides"
            );
        long[] size = [.. sizes.Items.Select(item => item.Number)];
        long[] stride = [.. strides.Items.Select(item => item.Number)];
        Int128 last = offset.Number;
        Int128 elements = 1;
        for (int i = 0; i < size.Length; i++)
        {
            if (size[i] < 0 || stride[i] < 0)
                throw new InvalidDataException("a tensor has a negative size or stride");
            last += (Int128)Math.Max(0, size[i] - 1) * stride[i];
            elements *= Math.Max(1, size[i]);
            if (elements > long.MaxValue / 16)
                throw new InvalidDataException("a tensor has more elements than can be counted");
        }

        if (offset.Number < 0 || (size.Contains(0) ? offset.Number : last + 1) > storage.Number)
            throw new InvalidDataException($"a tensor reaches past the {storage.Number} elements of its storage");
        return new TorchScriptValue(TorchScriptKind.Tensor, storage.Text) { Sizes = size };
    }

    // One scale for the whole tensor, or one for each index of an axis.
    private static bool IsScheme(TorchScriptValue scheme, long[] sizes) =>
        (scheme.Kind == TorchScriptKind.Tuple && scheme.Items.Count > 0 ? scheme.Items[0].Text : "") switch
        {
            "torch.per_tensor_affine" => scheme.IsTuple(
                scheme.Items[0].Kind,
                TorchScriptKind.Float,
                TorchScriptKind.Int
            ),
            "torch.per_channel_affine" or "torch.per_channel_affine_float_qparams" => IsPerChannel(scheme, sizes),
            _ => false,
        };

    private static bool IsPerChannel(TorchScriptValue scheme, long[] sizes)
    {
        TorchScriptKind name = scheme.Items[0].Kind;
        if (!scheme.IsTuple(name, TorchScriptKind.Tensor, TorchScriptKind.Tensor, TorchScriptKind.Int))
            return false;
        long[] scales = scheme.Items[1].Sizes;
        long[] zeros = scheme.Items[2].Sizes;
        long axis = scheme.Items[3].Number;
        return axis >= 0
            && axis < sizes.Length
            && scales.Length == 1
            && scales[0] == sizes[axis]
            && zeros.SequenceEqual(scales);
    }

    private static bool IsQuantized(TorchScriptValue storage) => storage.Text.StartsWith('Q');

    private static bool EndsWithFlags(IReadOnlyList<TorchScriptValue> items) =>
        items[^2].Kind == TorchScriptKind.Bool && items[^1].Kind == TorchScriptKind.None;

    private static bool IsPlainList(IReadOnlyList<TorchScriptValue> items) =>
        items is [{ Kind: TorchScriptKind.List, Text: "" }];

    private static TorchScriptValue Tagged(TorchScriptValue container, string type, string function)
    {
        if (container.Kind is not (TorchScriptKind.List or TorchScriptKind.Dict) || container.Text.Length > 0)
            throw WrongArguments(function);
        if (TorchScriptType.Parse(type).Name != container.Kind.ToString())
            throw new InvalidDataException($"its values are not of type {PlainText.Excerpt(type)}");
        return container with { Text = type };
    }

    private static InvalidDataException WrongArguments(string function) =>
        new($"it calls {function} with arguments of the wrong kind");
}
