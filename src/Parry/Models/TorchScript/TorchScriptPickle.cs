using System.Buffers.Binary;
using System.Text;

namespace Parry.Models.TorchScript;

/// <summary>
/// Walks a pickle of a TorchScript archive without building anything, and refuses what LibTorch's reader trusts
/// unchecked. It accepts the instructions that LibTorch writes, in that order: a list or dictionary is filled at once,
/// before anything refers to it, so nothing can contain itself.
/// </summary>
internal sealed class TorchScriptPickle
{
    private const int MostInstructions = 1 << 22;
    private const long MostLooked = 1 << 26;

    private static readonly TorchScriptValue s_none = new(TorchScriptKind.None);
    private static readonly TorchScriptValue s_true = new(TorchScriptKind.Bool, Number: 1);
    private static readonly TorchScriptValue s_false = new(TorchScriptKind.Bool);

    private readonly byte[] _bytes;
    private readonly Func<string, long?> _record;
    private readonly List<TorchScriptValue> _stack = [];
    private readonly Stack<(int Start, bool Fills)> _marks = [];
    private readonly Dictionary<uint, TorchScriptValue> _memo = [];
    private int _position;
    private char _last;
    private long _looked;

    private TorchScriptPickle(byte[] bytes, Func<string, long?> record) => (_bytes, _record) = (bytes, record);

    /// <summary>Reads the value of a pickle.</summary>
    /// <param name="bytes">The pickle.</param>
    /// <param name="record">Returns the number of bytes of a storage's record by its key; null if there is
    /// none.</param>
    /// <exception cref="InvalidDataException">The pickle is not one that LibTorch writes.</exception>
    public static TorchScriptValue Read(byte[] bytes, Func<string, long?> record) =>
        new TorchScriptPickle(bytes, record).Run();

    private TorchScriptValue Run()
    {
        if (Byte() != 0x80 || Byte() != 2)
            throw Wrong("it does not begin as a pickle of protocol 2");
        for (int count = 0; Byte() is var instruction && instruction != '.'; count++)
        {
            if (count == MostInstructions)
                throw Wrong($"it has more than {MostInstructions} instructions");
            Step((char)instruction);
            _last = (char)instruction;
        }

        if (_stack.Count != 1 || _marks.Count != 0)
            throw Wrong($"it ends with {_stack.Count} values, not one");
        if (_position != _bytes.Length)
            throw Wrong("bytes follow its end");
        return _stack[0];
    }

    private void Step(char instruction)
    {
        switch (instruction)
        {
            case 'N':
                Push(s_none);
                break;
            case '\u0088':
                Push(s_true);
                break;
            case '\u0089':
                Push(s_false);
                break;
            case 'K':
                PushInt(Byte());
                break;
            case 'M':
                PushInt(BinaryPrimitives.ReadUInt16LittleEndian(Take(2)));
                break;
            case 'J':
                PushInt(BinaryPrimitives.ReadInt32LittleEndian(Take(4)));
                break;
            case '\u008a':
                if (Byte() != 8)
                    throw Wrong("a long integer does not have 8 bytes");
                PushInt(BinaryPrimitives.ReadInt64LittleEndian(Take(8)));
                break;
            case 'G':
                Take(8);
                Push(new TorchScriptValue(TorchScriptKind.Float));
                break;
            case 'X':
                ReadOnlySpan<byte> text = Take(Unsigned());
                Push(new TorchScriptValue(TorchScriptKind.String, Encoding.Latin1.GetString(text), text.Length));
                break;
            case 'c':
                Push(TorchScriptCalls.Global(Line(), Line()));
                break;
            case 'q':
                Remember(Byte());
                break;
            case 'r':
                Remember(Unsigned());
                break;
            case 'h':
                Push(Recall(Byte()));
                break;
            case 'j':
                Push(Recall(Unsigned()));
                break;
            case '(':
                _marks.Push((_stack.Count, _last is ']' or '}'));
                break;
            case ')':
                Push(Tuple([]));
                break;
            case 't':
                Push(Tuple(SinceMark()));
                break;
            case '\u0085':
                Push(Tuple(Pop(1)));
                break;
            case '\u0086':
                Push(Tuple(Pop(2)));
                break;
            case '\u0087':
                Push(Tuple(Pop(3)));
                break;
            case ']':
                Push(new TorchScriptValue(TorchScriptKind.List));
                break;
            case '}':
                Push(new TorchScriptValue(TorchScriptKind.Dict));
                break;
            case 'e':
                Fill(TorchScriptKind.List);
                break;
            case 'u':
                Fill(TorchScriptKind.Dict);
                break;
            case 'Q':
                Push(TorchScriptCalls.Storage(Pop(1)[0], _record));
                break;
            case '\u0081':
                if (
                    Pop(2)
                        is not [{ Kind: TorchScriptKind.Global } type, { Kind: TorchScriptKind.Tuple, Items.Count: 0 }]
                    || !TorchScriptCalls.IsClass(type.Text)
                )
                    throw Wrong("an object is not made of its class alone");
                Push(new TorchScriptValue(TorchScriptKind.Instance, type.Text));
                break;
            case 'b':
                if (Pop(2) is not [{ Kind: TorchScriptKind.Instance } made, var state])
                    throw Wrong("a state is set on something that is not a new object");
                Push(new TorchScriptValue(TorchScriptKind.Object, made.Text) { Items = [state] });
                break;
            case 'R':
                if (Pop(2) is not [{ Kind: TorchScriptKind.Global } function, var arguments])
                    throw Wrong("something is called that is not a function");
                if ((_looked += arguments.Inside) > MostLooked)
                    throw Wrong("its calls take too many values");
                Push(TorchScriptCalls.Call(function.Text, arguments));
                break;
            default:
                throw Wrong($"its instruction {(int)instruction} is unknown");
        }
    }

    // Fills a container that was just made empty; from then on it is a different value.
    private void Fill(TorchScriptKind kind)
    {
        bool fills = _marks.TryPeek(out (int Start, bool Fills) mark) && mark.Fills;
        TorchScriptValue[] items = SinceMark();
        if (!fills || Pop(1)[0].Kind != kind)
            throw Wrong("items are added to something that is not a new list or dictionary");
        if (kind == TorchScriptKind.Dict && items.Length % 2 != 0)
            throw Wrong("a dictionary has a key without a value");
        Push(new TorchScriptValue(kind) { Items = items });
    }

    private static TorchScriptValue Tuple(TorchScriptValue[] items) => new(TorchScriptKind.Tuple) { Items = items };

    private void Push(TorchScriptValue value) => _stack.Add(value);

    private void PushInt(long value) => Push(new TorchScriptValue(TorchScriptKind.Int, Number: value));

    private TorchScriptValue[] Pop(int count)
    {
        int start = _stack.Count - count;
        if (start < (_marks.TryPeek(out (int Start, bool Fills) mark) ? mark.Start : 0))
            throw Wrong("it takes values that it never made");
        TorchScriptValue[] values = [.. _stack[start..]];
        _stack.RemoveRange(start, count);
        return values;
    }

    private TorchScriptValue[] SinceMark()
    {
        if (!_marks.TryPeek(out (int Start, bool Fills) mark))
            throw Wrong("it ends a group that it never began");
        TorchScriptValue[] values = Pop(_stack.Count - mark.Start);
        _marks.Pop();
        return values;
    }

    // LibTorch allocates all numbers up to this one; its writer counts up by one.
    private void Remember(uint place)
    {
        if (place > _memo.Count)
            throw Wrong($"it stores value {place} after {_memo.Count} values");
        if (_stack.Count == (_marks.TryPeek(out (int Start, bool Fills) mark) ? mark.Start : 0))
            throw Wrong("it keeps a value that it never made");
        _memo[place] = _stack[^1];
    }

    private TorchScriptValue Recall(uint place) =>
        _memo.TryGetValue(place, out TorchScriptValue? value)
            ? value
            : throw Wrong($"it uses value {place}, which it never stored");

    private byte Byte() => Take(1)[0];

    private uint Unsigned() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    private ReadOnlySpan<byte> Take(uint count)
    {
        if (count > _bytes.Length - _position)
            throw Wrong("it ends early");
        ReadOnlySpan<byte> taken = _bytes.AsSpan(_position, (int)count);
        _position += (int)count;
        return taken;
    }

    private string Line()
    {
        int length = _bytes.AsSpan(_position).IndexOf((byte)'\n');
        if (length < 0)
            throw Wrong("a name has no end");
        string line = Encoding.Latin1.GetString(Take((uint)length));
        _position++;
        return line;
    }

    private InvalidDataException Wrong(string reason) => new($"{reason} (at byte {_position})");
}
