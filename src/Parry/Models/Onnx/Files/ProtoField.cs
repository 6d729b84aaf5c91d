using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Google.Protobuf;

namespace Parry.Models.Onnx.Files;

/// <summary>
/// One field of a Protocol Buffers message; bytes are not copied out of the file's. Models use few kinds of messages,
/// and reading them field by field does not copy gigabytes of weights, as generated classes would.
/// </summary>
/// <param name="Number">Its number in the message's definition.</param>
/// <param name="Bits">A number of fixed or variable length.</param>
/// <param name="Bytes">A string, a nested message or a packed list.</param>
internal readonly record struct ProtoField(int Number, ulong Bits, ArraySegment<byte> Bytes)
{
    public long Integer => unchecked((long)Bits);

    public float Single => BitConverter.Int32BitsToSingle(unchecked((int)Bits));

    public string Text => Encoding.UTF8.GetString(Bytes);

    /// <summary>Reads the fields of a message, in order.</summary>
    /// <exception cref="InvalidDataException">The bytes are not a message.</exception>
    public static List<ProtoField> Read(ArraySegment<byte> message)
    {
        var fields = new List<ProtoField>();
        byte[] file = message.Array ?? [];
        int end = message.Offset + message.Count;
        var input = new CodedInputStream(file, message.Offset, message.Count);
        try
        {
            while (input.ReadTag() is not 0 and uint tag)
            {
                int number = WireFormat.GetTagFieldNumber(tag);
                switch (WireFormat.GetTagWireType(tag))
                {
                    case WireFormat.WireType.Varint:
                        fields.Add(new ProtoField(number, input.ReadUInt64(), default));
                        break;
                    case WireFormat.WireType.Fixed32:
                        fields.Add(new ProtoField(number, input.ReadFixed32(), default));
                        break;
                    case WireFormat.WireType.Fixed64:
                        fields.Add(new ProtoField(number, input.ReadFixed64(), default));
                        break;
                    case WireFormat.WireType.LengthDelimited:
                        int length = input.ReadLength();
                        int start = (int)input.Position;
                        if (length < 0 || length > end - start)
                            throw new InvalidDataException(
                                $"a field declares {length} bytes, but {end - start} are left"
                            );
                        fields.Add(new ProtoField(number, 0, new ArraySegment<byte>(file, start, length)));
                        input = new CodedInputStream(file, start + length, end - start - length);
                        break;
                    default:
                        throw new InvalidDataException("it contains groups, which ONNX does not use");
                }
            }

            return fields;
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new InvalidDataException($"it is not a Protocol Buffers message ({e.Message})", e);
        }
    }

    /// <summary>Adds the integers of a field: one, or several if packed.</summary>
    public void AddIntegers(List<long> to)
    {
        if (Bytes.Array is null)
        {
            to.Add(Integer);
            return;
        }

        var input = new CodedInputStream(Bytes.Array, Bytes.Offset, Bytes.Count);
        try
        {
            while (!input.IsAtEnd)
                to.Add(input.ReadInt64());
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new InvalidDataException("a list of integers is damaged", e);
        }
    }

    /// <summary>Adds the numbers of a field of fixed length, 4 bytes or 8.</summary>
    public void AddNumbers<T>(List<T> to)
        where T : unmanaged
    {
        int size = System.Runtime.CompilerServices.Unsafe.SizeOf<T>();
        if (Bytes.Array is null)
        {
            Span<byte> bits = stackalloc byte[8];
            BinaryPrimitives.WriteUInt64LittleEndian(bits, Bits);
            to.Add(MemoryMarshal.Read<T>(bits));
        }
        else if (Bytes.Count % size != 0)
        {
            throw new InvalidDataException($"a list of numbers of {size} bytes has {Bytes.Count} bytes");
        }
        else
        {
            to.AddRange(MemoryMarshal.Cast<byte, T>(Bytes));
        }
    }
}
