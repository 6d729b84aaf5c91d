using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Models;

/// <summary>Which of the tensors that a TorchScript module returns has the scores.</summary>
public sealed class TorchScriptOutputTests : IDisposable
{
    private static readonly ImageShape s_shape = new(1, 4, 4);

    private readonly string _folder = Directory.CreateTempSubdirectory("parry-script").FullName;

    public void Dispose() => Directory.Delete(_folder, true);

    [Theory]
    [InlineData("(x, x)", "Tuple[Tensor, Tensor]", "none of it is a row of scores")]
    [InlineData("[x]", "List[Tensor]", "none of it is a row of scores")]
    [InlineData("{\"a\": x}", "Dict[str, Tensor]", "a dictionary")]
    [InlineData("\"a\"", "str", "a text")]
    [InlineData("3", "int", "a number")]
    [InlineData("None", "NoneType", "nothing")]
    public void Results_that_are_no_tensor_are_refused(string result, string type, string word)
    {
        string path = Script("return " + result, type);
        Assert.Contains(word, Refusal(path), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("x, torch.flatten(x, 1)", "Tuple[Tensor, Tensor]", 16)]
    [InlineData("torch.softmax(torch.flatten(x, 1), 1), torch.flatten(x, 1)", "Tuple[Tensor, Tensor]", 16)]
    [InlineData("torch.mean(x, [2, 3]), torch.flatten(x, 1)", "Tuple[Tensor, Tensor]", 16)]
    [InlineData("(torch.flatten(x, 1), x), torch.argmax(x)", "Tuple[Tuple[Tensor, Tensor], Tensor]", 16)]
    public void The_scores_are_found_among_the_tensors_that_it_returns(string result, string type, int classes)
    {
        string path = Script($"return ({result})", type);
        using OpenedModel opened = ModelCatalog.Open(path, new InputContract(), s_shape, classes);
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor images = rand([2, 1, 4, 4]);
        Assert.Equal(images.ToArray<float>(), ((IClassifier)opened.Model).Logits(images).ToArray<float>());
    }

    [Fact]
    public void Tensors_among_which_the_scores_cannot_be_told_are_named()
    {
        string message = Refusal(Script("y = torch.flatten(x, 1)\nreturn (y, torch.neg(y))", "Tuple[Tensor, Tensor]"));
        Assert.Contains("outputs are 0: Float32[3, 16], 1: Float32[3, 16]", message, StringComparison.Ordinal);
        Assert.Contains("choose one (--output 0)", message, StringComparison.Ordinal);
        Assert.DoesNotContain("--input-size", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0", 1, 16)]
    [InlineData("1", -1, 16)]
    [InlineData("2", 1, 2)]
    public void An_output_is_chosen_by_its_place(string place, int sign, int classes)
    {
        using OpenedModel opened = ModelCatalog.Open(Several(), new InputContract { Output = place }, s_shape);
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor images = rand([2, 1, 4, 4]);
        Tensor expected = sign * images.reshape(2, -1).slice(1, 0, classes, 1);

        Assert.Equal(expected.ToArray<float>(), ((IClassifier)opened.Model).Logits(images).ToArray<float>());
        Assert.Contains("2: Float32[3, 2]: choose one (--output 0)", opened.Choices, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, 1)]
    [InlineData("logits", 1)]
    [InlineData("inverse", -1)]
    [InlineData("0", -1)]
    public void An_output_of_a_named_tuple_is_chosen_by_its_name(string? name, int sign)
    {
        string path = Path.Combine(_folder, "named.pt");
        TorchScriptFile.WriteCode(
            path,
            """
            class Both(NamedTuple):
              inverse : Tensor
              logits : Tensor
            class Small(Module):
              training : bool
              def forward(self: __torch__.Small,
                x: Tensor) -> __torch__.Both:
                y = torch.flatten(x, 1)
                return __torch__.Both(torch.neg(y), y)

            """
        );
        using OpenedModel opened = ModelCatalog.Open(path, new InputContract { Output = name }, s_shape);
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor images = rand([2, 1, 4, 4]);

        Assert.Equal((sign * images).ToArray<float>(), ((IClassifier)opened.Model).Logits(images).ToArray<float>());
        Assert.Contains(
            "logits: Float32[3, 16]: choose one (--output inverse)",
            opened.Choices,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("3")]
    [InlineData("-1")]
    [InlineData("logits")]
    public void An_output_that_it_does_not_have_is_refused_with_those_that_it_has(string output)
    {
        var contract = new InputContract { Output = output };
        string several = Refusal(Several(), contract);
        Assert.Contains($"no output \"{output}\"", several, StringComparison.Ordinal);
        Assert.Contains("1: Float32[3, 16], 2: Float32[3, 2]", several, StringComparison.Ordinal);

        string one = Refusal(Script("return torch.flatten(x, 1)", "Tensor"), contract);
        Assert.Contains("its outputs are 0: Float32[3, 16]", one, StringComparison.Ordinal);
    }

    private string Several() =>
        Script(
            "y = torch.flatten(x, 1)\nreturn (y, torch.neg(y), torch.slice(y, 1, 0, 2, 1))",
            "Tuple[Tensor, Tensor, Tensor]"
        );

    private string Script(string forward, string gives)
    {
        string path = Path.Combine(_folder, "model.pt");
        TorchScriptFile.Write(path, forward, gives);
        return path;
    }

    private static string Refusal(string path, InputContract? contract = null)
    {
        string message = Assert
            .Throws<UserErrorException>(() => ModelCatalog.Open(path, contract ?? new(), s_shape))
            .Message;
        Assert.DoesNotContain('\n', message);
        return message;
    }
}
