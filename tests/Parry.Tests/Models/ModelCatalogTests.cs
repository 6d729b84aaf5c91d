using System.Reflection;
using Parry.Models;
using Parry.Models.Architectures;
using Parry.Models.Files;
using Parry.Tests.Data;
using Parry.Tests.Repository;
using static TorchSharp.torch;

namespace Parry.Tests.Models;

public sealed class ModelCatalogTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Shipped_models_are_named_after_data_set_and_net()
    {
        string path = _folder.Write("fashion-mnist-a.safetensors", []);
        _folder.Write("mnist-gan.safetensors", []);
        _folder.Write("README.md", []);
        Assert.Equal(["fashion-mnist/a", "mnist/gan"], ModelCatalog.NamesIn(_folder.Path));
        Assert.Equal(path, ModelCatalog.Find("fashion-mnist/a", _folder.Path));
        Assert.Empty(ModelCatalog.NamesIn(null));
    }

    [Fact]
    public void A_file_is_taken_as_it_is()
    {
        string path = _folder.Write("mine.safetensors", []);
        string script = _folder.Write("mine.PT", []);
        Assert.Equal(path, ModelCatalog.Find(path, null));
        Assert.Equal(script, ModelCatalog.Find(script, null));
    }

    [Theory]
    [InlineData("mnist/b", "mnist/a")]
    [InlineData("mnist", "mnist/a")]
    [InlineData("../mnist/a", "mnist/a")]
    [InlineData("none.safetensors", "mnist/a")]
    [InlineData("model.onnx", "mnist/a")]
    [InlineData("https://example.org/predict", "gradients")]
    public void What_cannot_be_had_is_refused_with_what_can(string model, string advice)
    {
        _folder.Write("mnist-a.safetensors", []);
        string message = Assert.Throws<UserErrorException>(() => ModelCatalog.Find(model, _folder.Path)).Message;
        Assert.Contains(model, message, StringComparison.Ordinal);
        Assert.Contains(advice, message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_format_has_a_folder_of_its_own_and_a_line_in_the_catalog()
    {
        PropertyInfo[] formats =
        [
            .. typeof(ModelFormat)
                .Assembly.GetTypes()
                .SelectMany(type => type.GetProperties(BindingFlags.Static | BindingFlags.Public))
                .Where(property => property.PropertyType == typeof(ModelFormat)),
        ];
        Assert.Equivalent(formats.Select(property => property.GetValue(null)), ModelCatalog.Formats, strict: true);
        Assert.Distinct(formats.Select(property => property.DeclaringType!.Namespace));
        Assert.Distinct(ModelCatalog.Formats.SelectMany(format => format.Extensions.Concat(format.Prefixes)));
    }

    [Fact]
    public void Help_and_errors_name_every_format()
    {
        string file = _folder.Write("mine.bin", []);
        string wrongEnding = Assert.Throws<UserErrorException>(() => ModelCatalog.Find(file, null)).Message;
        string wrongName = Assert.Throws<UserErrorException>(() => ModelCatalog.Find("mine", null)).Message;
        string help = $"{ModelCatalog.FileKinds}, {ModelCatalog.UrlKinds}";
        Assert.All(
            ModelCatalog.Formats,
            format =>
            {
                Assert.NotEmpty(format.Extensions.Concat(format.Prefixes));
                Assert.Contains(format.Example, help, StringComparison.Ordinal);
                Assert.All(
                    format.Extensions,
                    extension =>
                    {
                        Assert.Contains(extension, wrongEnding, StringComparison.Ordinal);
                        Assert.Contains(extension, wrongName, StringComparison.Ordinal);
                    }
                );
            }
        );
    }

    [Fact]
    public void The_guide_to_models_names_every_format()
    {
        string guide = File.ReadAllText(Path.Combine(RepositoryFiles.Root, "docs", "your-model.md"));
        Assert.All(ModelCatalog.Formats, format => Assert.Contains(format.Name, guide, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("a/model.ONNX", "ONNX")]
    [InlineData("model.pt2", "TorchScript")]
    [InlineData("model.safetensors", "safetensors")]
    [InlineData("HTTPS://example.org/model.onnx", "HTTP")]
    public void A_format_is_recognized_by_its_prefix_or_extension(string model, string format) =>
        Assert.Equal(format, ModelCatalog.FormatOf(model).Name);

    [Fact]
    public void A_classifier_that_does_not_fit_the_images_is_refused()
    {
        using var random = new Generator(1);
        using nn.Module<Tensor, Tensor> network = Classifiers.Create("e", ToySet.Shape, 3, random);
        string path = Path.Combine(_folder.Path, "toy.safetensors");
        ModelFile.Save(
            path,
            network,
            new ModelDescription
            {
                Architecture = "classifier-e",
                Data = "toy",
                Shape = ToySet.Shape,
                ClassNames = ["a", "b", "c"],
            }
        );
        var (classifier, description) = ModelCatalog.LoadClassifier(path, ToySet.Shape, 3);
        Assert.Equal("toy", description!.Data);
        Assert.Equal(ToySet.Shape, classifier.Shape);
        ((IDisposable)classifier).Dispose();
        string message = Assert
            .Throws<UserErrorException>(() => ModelCatalog.LoadClassifier(path, new ImageShape(1, 28, 28), 10))
            .Message;
        Assert.Contains("1x6x6", message, StringComparison.Ordinal);
        Assert.Contains("1x28x28", message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_address_where_gradients_are_needed_is_refused_before_it_is_asked() =>
        Assert.Contains(
            "gradients",
            Assert
                .Throws<UserErrorException>(() =>
                    ModelCatalog.LoadClassifier("http://127.0.0.1:1/v2/models/none", ToySet.Shape, 3)
                )
                .Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void A_file_that_is_no_TorchScript_is_refused_in_one_line()
    {
        string path = _folder.Write("model.pt", TestData.Pixels(1000));
        string message = Assert
            .Throws<UserErrorException>(() => ModelCatalog.LoadClassifier(path, ToySet.Shape, 3))
            .Message;
        Assert.Contains(path, message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }
}
