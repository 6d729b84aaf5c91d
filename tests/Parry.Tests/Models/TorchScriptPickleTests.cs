using System.Buffers.Binary;
using System.Text;
using Parry.Models.TorchScript;

namespace Parry.Tests.Models;

public sealed class TorchScriptPickleTests
{
    private const string Tensor = "ctorch._utils\n_rebuild_tensor_v2\n";
    private const string Hooks = "ccollections\nOrderedDict\n)R";
    private const string Types = "ctorch.jit._pickle\n";

    [Theory]
    [InlineData("N", "None")]
    [InlineData("\u0088", "Bool")]
    [InlineData("\u0089", "Bool")]
    [InlineData("K\u00ff", "Int")]
    [InlineData("M\u0001\u0002", "Int")]
    [InlineData("J\u00ff\u00ff\u00ff\u00ff", "Int")]
    [InlineData("\u008a\u0008\0\0\0\0\0\u0001\0\0", "Int")]
    [InlineData("G\0\0\0\0\0\0\0\0", "Float")]
    [InlineData("X\u0002\0\0\0ab", "String")]
    [InlineData(")", "Tuple")]
    [InlineData("(NK\u0001NNt", "Tuple")]
    [InlineData("N\u0085", "Tuple")]
    [InlineData("NNN\u0087", "Tuple")]
    [InlineData("N\u0085q\0h\0\u0086", "Tuple")]
    [InlineData("Nr\0\0\0\0j\0\0\0\0\u0086", "Tuple")]
    [InlineData(Types + "build_intlist\n(](K\u0001K\u0002etR", "List")]
    [InlineData(Types + "build_doublelist\n(](etR", "List")]
    [InlineData(Types + "build_boollist\n(](\u0088etR", "List")]
    [InlineData(Types + "restore_type_tag\n](X\u0001\0\0\0aeX\u0009\0\0\0List[str]\u0086R", "List")]
    [InlineData(Types + "restore_type_tag\n}(X\u0001\0\0\0aK\u0001uX\u000e\0\0\0Dict[str, int]\u0086R", "Dict")]
    [InlineData("ctorch\ndevice\nX\u0003\0\0\0cpu\u0085R", "Device")]
    [InlineData("cbuiltins\ncomplex\nG\0\0\0\0\0\0\0\0G\0\0\0\0\0\0\0\0\u0086R", "Complex")]
    [InlineData("c__torch__.a\nB\n)\u0081}(ub", "Object")]
    [InlineData("c__torch__\nB\nK\u0001R", "Object")]
    public void What_LibTorch_writes_is_read(string body, string kind) =>
        Assert.Equal(kind, Read(body).Kind.ToString());

    [Theory]
    [InlineData("", "ends with 0 values")]
    [InlineData("NN", "ends with 2 values")]
    [InlineData("N(", "not one")]
    [InlineData("N.N", "bytes follow its end")]
    [InlineData("N0", "instruction 48 is unknown")]
    [InlineData("\u0085", "takes values that it never made")]
    [InlineData("N\u0086", "takes values that it never made")]
    [InlineData("N(\u0085t", "takes values that it never made")]
    [InlineData("t", "ends a group that it never began")]
    [InlineData("h\0", "uses value 0")]
    [InlineData("Nr\u00ff\u00ff\u00ff\u007f", "stores value 2147483647 after")]
    [InlineData("q\0", "keeps a value that it never made")]
    [InlineData("N(Ne", "not a new list")]
    [InlineData("](NNu", "not a new list")]
    [InlineData("]q\0(h\0e", "not a new list")]
    [InlineData("](NeN(Ne", "not a new list")]
    [InlineData("}(Nu", "a key without a value")]
    [InlineData("X\u00ff\u00ff\u00ff\u007fab", "ends early")]
    [InlineData("K", "ends early")]
    [InlineData("\u008a\u0004\0\0\0\0", "does not have 8 bytes")]
    [InlineData("cos\nsystem\n", "\"os.system\"")]
    [InlineData("ctorch\nNoStorage\n", "\"torch.NoStorage\"")]
    [InlineData("c__torch__..a\nB\n", "not part of TorchScript")]
    [InlineData("c__torch__", "a name has no end")]
    [InlineData("Nb", "takes values")]
    [InlineData("NNb", "not a new object")]
    [InlineData("NNR", "not a function")]
    [InlineData("c__torch__\nB\nN\u0081", "its class alone")]
    [InlineData("ctorch\ndevice\n)\u0081", "its class alone")]
    [InlineData(Types + "restore_type_tag\nNX\u0009\0\0\0List[str]\u0086R", "restore_type_tag")]
    [InlineData(Types + "restore_type_tag\n](eX\u000e\0\0\0Dict[str, int]\u0086R", "not of type Dict[str, int]")]
    [InlineData(Types + "restore_type_tag\n](eX\u0009\0\0\0List[str[\u0086R", "a type in it cannot be read")]
    [InlineData("NQ", "a storage is not named")]
    public void What_LibTorch_would_believe_is_refused(string body, string word) =>
        Assert.Contains(word, Refusal(() => Read(body)), StringComparison.Ordinal);

    [Theory]
    [InlineData("K\u0006", "K\0", "(K\u0002K\u0003t", "(K\u0003K\u0001t", null)]
    [InlineData("K\u0006", "K\u0005", "(t", "(t", null)]
    [InlineData("K\u0006", "K\u0006", "(K\0t", "(K\u0001t", null)]
    [InlineData("K\u0001", "K\0", "(K\u0005K\u0006t", "(K\0K\0t", null)]
    [InlineData("K\0", "K\0", "(K\0t", "(K\u0001t", null)]
    [InlineData("K\u0007", "K\0", "(K\u0001t", "(K\u0001t", "storage of 28 bytes has a record \"0\" of 24")]
    [InlineData("J\u00ff\u00ff\u00ff\u00ff", "K\0", "(K\0t", "(K\u0001t", "storage has -1 elements")]
    [InlineData(
        "\u008a\u0008\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u007f",
        "K\0",
        "(K\u0001t",
        "(K\u0001t",
        "elements"
    )]
    [InlineData("K\u0006", "K\u0001", "(K\u0002K\u0003t", "(K\u0003K\u0001t", "reaches past the 6 elements")]
    [InlineData("K\u0006", "K\u0006", "(t", "(t", "reaches past the 6 elements")]
    [InlineData("K\u0006", "J\u00ff\u00ff\u00ff\u00ff", "(t", "(t", "reaches past")]
    [InlineData("K\u0006", "K\0", "(K\u0002t", "(K\u0003K\u0001t", "same number of strides")]
    [InlineData("K\u0006", "K\0", "(Nt", "(K\u0001t", "same number of strides")]
    [InlineData("K\u0006", "N", "(t", "(t", "same number of strides")]
    [InlineData("K\u0006", "K\0", "(J\u00ff\u00ff\u00ff\u00fft", "(K\u0001t", "negative")]
    [InlineData("K\u0006", "K\0", "(K\u0002t", "(J\u00ff\u00ff\u00ff\u00fft", "negative")]
    [InlineData(
        "K\u0006",
        "K\0",
        "(J\u00ff\u00ff\u00ff\u007fJ\u00ff\u00ff\u00ff\u007ft",
        "(K\0K\0t",
        "more elements than can be counted"
    )]
    public void Tensors_stay_within_their_storage(
        string elements,
        string offset,
        string sizes,
        string strides,
        string? word
    )
    {
        string body =
            $"{Tensor}((X\u0007\0\0\0storagectorch\nFloatStorage\nX\u0001\0\0\00X\u0003\0\0\0cpu{elements}tQ"
            + $"{offset}{sizes}{strides}\u0089{Hooks}tR";
        if (word is null)
            Assert.Equal(TorchScriptKind.Tensor, Read(body, key => key == "0" ? 24 : null).Kind);
        else
            Assert.Contains(word, Refusal(() => Read(body, key => key == "0" ? 24 : null)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(150, true)]
    [InlineData(250, false)]
    public void Values_are_nested_only_so_deep(int depth, bool read)
    {
        string body = "N" + new string('\u0085', depth);
        if (read)
            Assert.Equal(TorchScriptKind.Tuple, Read(body).Kind);
        else
            Assert.Contains("deep", Refusal(() => Read(body)), StringComparison.Ordinal);
    }

    [Fact]
    public void Values_that_share_cannot_grow_without_end()
    {
        // Each tuple holds the one before twice.
        string doubled = string.Concat(Enumerable.Range(0, 60).Select(i => $"q{(char)i}h{(char)i}\u0086"));

        Assert.Contains("holds more than", Refusal(() => Read("N" + doubled)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("K\0K\0K\0K\0\u0087K\0K\0\u0087\u0086\u0085", false)]
    [InlineData("K\u0003X\u0002\0\0\0abNK\u0001\u0087K\u0001K\u0002\u0087\u0086\u0085", true)]
    [InlineData("K\u0003X\u0002\0\0\0abNK\u0001\u0087K\u0003K\u0003\u0087\u0086\u0085", false)]
    [InlineData("K\u0003X\u0002\0\0\0abNK\u0001\u0087K\u0002K\u0001\u0087\u0086\u0085", false)]
    [InlineData("K\u0003K\0NK\u0001\u0087K\0K\0\u0087\u0086\u0085", false)]
    [InlineData("K\u0003\u0085", false)]
    [InlineData("N", false)]
    public void Lines_of_the_original_program_lie_within_it(string body, bool read) => Sources(body, read);

    [Theory]
    [InlineData(0, 1, true)]
    [InlineData(1, 0, true)]
    [InlineData(2, 0, false)]
    [InlineData(0, 2, false)]
    public void Their_texts_are_in_the_table(int text, int file, bool read) =>
        Sources(
            $"{Text("FORMAT_WITH_STRING_TABLE")}{Text("ab")}{Text("file")}\u0086K\u0003{Types}build_intlist\n"
                + $"(](K{(char)text}etRK{(char)file}K\u0001\u0087K\u0001K\u0002\u0087\u0086\u0085\u0087",
            read
        );

    [Theory]
    [InlineData("flag", "\u0088", "flag : bool", null)]
    [InlineData("0", "\u0088", "__annotations__[\"0\"] = bool", null)]
    [InlineData("flag", "N", "flag : Optional[int]", null)]
    [InlineData("flag", "NK\u0001\u0086", "flag : Tuple[Optional[int], int]", null)]
    [InlineData("flag", "c__torch__\nOther\n)\u0081}(ub", "flag : __torch__.Other", null)]
    [InlineData("flag", "c__torch__\nColor\nK\u0001R", "flag : __torch__.Color", null)]
    [InlineData("flag", "NK\u0001\u0086", "flag : __torch__.Pair", null)]
    [InlineData("flag", "\u0088", "flag : bool\n  more : Final[int] = 3", null)]
    [InlineData("flag", "K\u0001", "flag : Tensor", "the member flag of __torch__.Small is not of type Tensor")]
    [InlineData("flags", "\u0088", "flag : bool", "the member flag of __torch__.Small is not of type bool")]
    [InlineData("flag", "NK\u0001\u0086", "flag : Tuple[int]", "is not of type Tuple[int]")]
    [InlineData(
        "flag",
        "c__torch__\nPair\n)\u0081}(ub",
        "flag : Any",
        "is made of __torch__.Pair, which is not a " + "class"
    )]
    [InlineData(
        "flag",
        "c__torch__\nSmall\n)\u0081}(X\u0004\0\0\0flagNub",
        "flag : __torch__.Other",
        "is not of type __torch__.Other"
    )]
    [InlineData("flag", "c__torch__\nNone\n)\u0081}(ub", "flag : Any", "not declare the class __torch__.None")]
    [InlineData("flag", "\u0088", "flag : bool\n  more = 3", "in a form that LibTorch does not write")]
    [InlineData("flag", "\u0088", "flag : bool\n  more", "in a form that LibTorch does not write")]
    [InlineData("flag", "\u0088", "flag : bool\n   more : int", "in a form that LibTorch does not write")]
    [InlineData("flag", "N", "flag : bool\nclass More(Enum):\n  Red : 1", "in a form that LibTorch does not write")]
    [InlineData("flag", "N", "flag : bool[", "a form that LibTorch does not write")]
    [InlineData("flag", "\u0088", "__parameters__ = 3", "in a form that LibTorch does not write")]
    public void Values_are_of_the_types_that_the_code_declares(string name, string value, string member, string? word)
    {
        string code =
            $"class Small(Module):\n  __parameters__ = []\n  {member}\n  def forward(self,\n    x: Tensor) -> "
            + $"Tensor:\n    return x\nclass Other:\n  def f(self) -> int:\n    return 1\nclass Color(Enum):\n  "
            + $"Red = 1\nclass Pair(NamedTuple):\n  a : Optional[int]\n  b : int = 3\n";
        void Check()
        {
            var classes = new TorchScriptClasses();
            classes.Add("__torch__", Encoding.Latin1.GetBytes(code));
            classes.Check(Read($"c__torch__\nSmall\n)\u0081}}({Text(name)}{value}ub"));
        }

        if (word is null)
            Check();
        else
            Assert.Contains(word, Refusal(Check), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("x = f((a, [1, -2]), \"#(\\\"(\")", true)]
    [InlineData("x = f(a,\n  b)", true)]
    [InlineData("x = f(a))", false)]
    [InlineData("x = \"a", false)]
    [InlineData("x = a # b", false)]
    [InlineData("x = a \\", false)]
    [InlineData("x =\ta", false)]
    public void Code_has_the_form_that_LibTorch_writes(string code, bool read) => Code(code, read);

    [Theory]
    [InlineData("(", ")", 50, true)]
    [InlineData("(", ")", 150, false)]
    [InlineData("f(a, ", ")", 150, false)]
    [InlineData("", "+x", 500, true)]
    [InlineData("", "+x", 2500, false)]
    [InlineData("", "+(x, x)[0]", 1500, false)]
    [InlineData("", ", 1", 100000, true)]
    public void Expressions_do_not_carry_LibTorch_past_its_stack(string before, string after, int times, bool read) =>
        Code(
            string.Concat(Enumerable.Repeat(before, times)) + "x" + string.Concat(Enumerable.Repeat(after, times)),
            read
        );

    private static void Code(string code, bool read)
    {
        void Check() => Assert.NotEmpty(TorchScriptCode.Lines(code));

        if (read)
            Check();
        else
            Assert.Contains("a form that LibTorch does not write", Refusal(Check), StringComparison.Ordinal);
    }

    private static void Sources(string body, bool read)
    {
        TorchScriptValue value = Read(body);
        if (read)
            TorchScriptSources.Check(value);
        else
            Assert.Contains(
                "not a table of source lines",
                Refusal(() => TorchScriptSources.Check(value)),
                StringComparison.Ordinal
            );
    }

    private static string Text(string text)
    {
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, text.Length);
        return $"X{Encoding.Latin1.GetString(length)}{text}";
    }

    private static TorchScriptValue Read(string body, Func<string, long?>? record = null) =>
        TorchScriptPickle.Read(Encoding.Latin1.GetBytes($"\u0080\u0002{body}."), record ?? (_ => null));

    private static string Refusal(Action action)
    {
        string message = Assert.Throws<InvalidDataException>(action).Message;
        Assert.DoesNotContain('\n', message);
        return message;
    }
}
