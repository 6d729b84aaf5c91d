using Parry.Models;

namespace Parry.Tests.Models;

/// <summary>What the code of a TorchScript file may use, and what is refused before LibTorch reads the file.</summary>
public sealed class TorchScriptCodeTests : IDisposable
{
    private const string Reader = """
        class Reader(Module):
          __parameters__ = []
          __buffers__ = []
          training : bool
          save : Tensor
          def forward(self: __torch__.Reader,
            x: Tensor) -> Tensor:
            return torch.add(self.save, x)

        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("parry-code").FullName;

    public void Dispose() => Directory.Delete(_folder, true);

    [Theory]
    [InlineData("return torch.add(x, torch.from_file(\"a\", True, 21))", "torch.from_file")]
    [InlineData("torch.save(x, \"a\")\nreturn x", "torch.save")]
    [InlineData("f = torch.save\nreturn x", "torch.save")]
    [InlineData("return torch . from_file(\"a\")", "torch.from_file")]
    [InlineData("return torch.add(x,\n  torch.from_file(\"a\"))", "torch.from_file")]
    [InlineData("return ops.aten.save(x, \"a\")", "ops.aten.save")]
    [InlineData("return ops.prim.Print(x)", "ops.prim.Print")]
    [InlineData("return ops.c10d.send(x)", "ops.c10d.send")]
    [InlineData("x.save(\"a\")\nreturn x", "\"save\"")]
    [InlineData("f = x.save\nreturn x", "\"save\"")]
    [InlineData("(x).to_file(\"a\")\nreturn x", "\"to_file\"")]
    [InlineData("getattr(x, \"save\")(\"a\")\nreturn x", "\"save\"")]
    [InlineData("\"a\".save(\"b\")\nreturn x", "\"save\"")]
    [InlineData("y = [x]\ny[0].save(\"a\")\nreturn x", "\"save\"")]
    [InlineData("print(\"a\")\nreturn x", "uses print")]
    [InlineData("p = print\nreturn x", "uses print")]
    [InlineData("len = print\nlen(\"a\")\nreturn x", "uses print")]
    [InlineData("t = torch\nreturn x", "form that LibTorch does not write")]
    [InlineData("return (torch)(x)", "form that LibTorch does not write")]
    [InlineData("torch = ops\nreturn x", "form that LibTorch does not write")]
    [InlineData("return torch._sparse_coo_tensor_unsafe(x, x, [1])", "torch._sparse_coo_tensor_unsafe")]
    [InlineData("return torch.sparse_coo_tensor(x, x, [1])", "torch.sparse_coo_tensor")]
    [InlineData("torch.manual_seed(1)\nreturn x", "torch.manual_seed")]
    [InlineData("torch.warn(torch.format(\"{}\", x))\nreturn x", "a text that it computes")]
    [InlineData("torch.warn(\"\\x1b[2J\")\nreturn x", "a text that it computes")]
    [InlineData("return unchecked_cast(__torch__.Small, x)", "not known to be one")]
    [InlineData("y = [x]\nreturn annotate(__torch__.Small, y[\"a\"]).training", "not known to be one")]
    [InlineData("return __torch__.nothing(x)", "__torch__.nothing")]
    [InlineData("return __torch__.torch.classes.dist_c10d.Store()", "__torch__.torch.classes")]
    [InlineData("return fork(x)", "uses fork")]
    [InlineData("y = x\nreturn y(x)", "uses y,")]
    [InlineData("return x[0](x)", "something that it computed")]
    [InlineData("y = \"\"\" \" \"\"\", torch.save(x, \"a\"), \"\"\" \" \"\"\"\nreturn x", "a text in a form")]
    [InlineData("return [z.save(\"a\") for z in [x]][0]", "uses z,")]
    [InlineData("def g(y: Tensor) -> Tensor:\n  return y\nreturn g(x)", "form that LibTorch does not write")]
    [InlineData("return \u00e9", "which LibTorch does not write")]
    public void What_does_more_than_compute_is_refused_by_name(string forward, string word) =>
        Assert.Contains(word, Refusal(forward), StringComparison.Ordinal);

    [Theory]
    [InlineData("return torch.flatten(x, 1)")]
    [InlineData("y = torch.relu_(torch.clone(x))\nreturn torch.flatten(y, 1)")]
    [InlineData("return torch.flatten(x.detach().clone(), 1)")]
    [InlineData("n = int(ops.prim.NumToTensor(torch.size(x, 0)))\nreturn torch.reshape(x, [n, -1])")]
    [InlineData("if torch.gt(torch.dim(x), 2):\n  y = torch.flatten(x, 1)\nelse:\n  y = x\nreturn y")]
    [InlineData("y = x\nfor i in range(3):\n  y0 = torch.mul(y, 0.5)\n  y = y0\nreturn torch.flatten(y, 1)")]
    [InlineData("y: Optional[Tensor] = x\nz = unchecked_cast(Tensor, y)\nreturn torch.flatten(z, 1)")]
    [InlineData("a, b, = torch.split(x, [2, 2], 2)\nreturn torch.flatten(torch.cat([a, b], 2), 1)")]
    [InlineData(
        "if torch.lt(torch.size(x, 0), 0):\n  torch.warn(\"few images\", 3)\nelse:\n  pass\nreturn torch.flatten(x, 1)"
    )]
    [InlineData(
        "if torch.lt(torch.dim(x), 2):\n  ops.prim.RaiseException(\"no image\")\n  y = uninitialized(Tensor)\n"
            + "else:\n  y = x\nreturn torch.flatten(y, 1)"
    )]
    [InlineData("y = torch.mul(x, torch.detach(torch.lift_fresh(torch.ones([1]))))\nreturn torch.flatten(y, 1)")]
    [InlineData("y = torch.view(x, [(torch.size(x, 0)), -1])\ntorch.append([y], y)\nreturn y")]
    [InlineData("y = torch.clamp(x, -inf, 1.0000000000000001e-05)\nreturn torch.flatten(torch.add(y, x, alpha=1), 1)")]
    [InlineData(
        "b = False\ni = 0\nwhile torch.lt(i, 2):\n  i0 = torch.add(i, 1)\n  i = i0\nreturn torch.flatten(x, 1)"
    )]
    [InlineData("f = self.scaled\nreturn f(x, )")]
    [InlineData("return (self).scaled(x, )")]
    [InlineData("max = torch.max(x)\nreturn torch.flatten(torch.div(x, max), 1)")]
    [InlineData("save = torch.flatten(x, 1)\nreturn save")]
    [InlineData("y = {\"save\": x, \"print\": x}\nreturn torch.flatten(y[\"save\"], 1)")]
    [InlineData("return torch.flatten((x if self.training else torch.neg(x)), 1)")]
    [InlineData("return torch.flatten(x[:, :, 1:], 1)")]
    [InlineData("_0 = __torch__.half\nreturn torch.flatten(_0(x, ), 1)")]
    public void What_only_computes_is_run(string forward)
    {
        using OpenedModel opened = ModelCatalog.Open(Written(forward), new InputContract(), new ImageShape(1, 4, 4));
        Assert.Equal(forward.Contains("1:]", StringComparison.Ordinal) ? 12 : 16, opened.Model.Classes);
    }

    [Fact]
    public void A_member_may_have_the_name_of_a_refused_operator_and_then_only_that()
    {
        string path = Path.Combine(_folder, "reader.pt");
        TorchScriptFile.WriteCode(path, Reader);
        Assert.Contains("does not declare the class __torch__.Small", Message(path), StringComparison.Ordinal);

        TorchScriptFile.WriteCode(path, Reader.Replace("self.save,", "self.load,", StringComparison.Ordinal));
        Assert.Contains("\"load\"", Message(path), StringComparison.Ordinal);

        // The type that a signature gives to the first argument of a method is not believed.
        string other =
            "class Other(Module):\n  training : bool\n  def go(self: __torch__.Reader) -> Tensor:\n"
            + "    return self.save(\"a\")\n";
        TorchScriptFile.WriteCode(path, Reader + other);
        Assert.Contains("form that LibTorch does not write", Message(path), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("  more : Final[Tensor] = torch.from_file(\"a\")\n", "torch.from_file")]
    [InlineData("  def go(self, x: Tensor=torch.from_file(\"a\")) -> Tensor:\n    return x\n", "torch.from_file")]
    [InlineData(
        "  def go(self, x: Tensor) -> Tensor:\n    return x\n  def go(self) -> int:\n    return 1\n",
        "go twice"
    )]
    [InlineData("  training : bool\n", "training twice")]
    public void What_is_computed_when_a_class_is_read_is_checked_too(string lines, string word)
    {
        string path = Path.Combine(_folder, "class.pt");
        TorchScriptFile.WriteCode(path, Reader + lines);
        Assert.Contains(word, Message(path), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("  y = torch.save\n")]
    [InlineData("torch.save(1, \"a\")\n")]
    [InlineData("def go(x: Tensor) -> Tensor:\n  torch.save(x, \"a\")\n  return x\n")]
    [InlineData("class More(Reader):\n  training : bool\n")]
    public void Nothing_stands_outside_of_what_is_checked(string lines)
    {
        string path = Path.Combine(_folder, "class.pt");
        TorchScriptFile.WriteCode(path, Reader + lines);
        Assert.Contains("its code", Message(path), StringComparison.Ordinal);
    }

    private string Refusal(string forward) => Message(Written(forward));

    private string Written(string forward)
    {
        string path = Path.Combine(_folder, "small.pt");
        TorchScriptFile.Write(path, forward);
        return path;
    }

    private static string Message(string path)
    {
        string message = Assert
            .Throws<UserErrorException>(() => ModelCatalog.Open(path, new InputContract(), new ImageShape(1, 4, 4)))
            .Message;
        Assert.DoesNotContain('\n', message);
        return message;
    }
}
