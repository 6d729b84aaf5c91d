using Parry.Models;

namespace Parry.Tests.Models.Files;

/// <summary>What people save as a model by mistake is named as what it is.</summary>
public sealed class MistakenFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("parry-mistaken").FullName;

    public void Dispose() => Directory.Delete(_folder, true);

    [Theory]
    [InlineData("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "Git LFS")]
    [InlineData("\n<!DOCTYPE html>\n<html><body>Sign in</body></html>", "web page")]
    [InlineData("<HTML lang=\"en\"><head></head></HTML>", "web page")]
    [InlineData("{\"error\": \"Entry not found\"}", "it is text (\"{\"error\"")]
    [InlineData("404: Not Found", "404: Not Found")]
    [InlineData("", "empty")]
    public void It_is_named_for_every_format(string content, string named)
    {
        foreach (string extension in ModelCatalog.Formats.SelectMany(format => format.Extensions))
        {
            string path = Path.Combine(_folder, "model" + extension);
            File.WriteAllText(path, content);

            string refusal = Assert
                .Throws<UserErrorException>(() =>
                    ModelCatalog.Open(path, new InputContract(), new ImageShape(1, 28, 28))
                )
                .Message;

            Assert.Contains(path, refusal, StringComparison.Ordinal);
            Assert.Contains(named, refusal, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', refusal);
        }
    }
}
