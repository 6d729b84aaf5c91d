using System.Reflection;
using Parry.Runtime;

namespace Parry.Cli.Tests;

public class UsageTests
{
    [Theory]
    [InlineData(
        "frobnicate",
        "no \"frobnicate\"",
        "demo, attack, transfer, label-flip, evaluate, run, merge, reproduce, verify, purify, certify, serve, "
            + "quality, pairs, doctor, data, model, train",
        "parry --help"
    )]
    [InlineData("data", "needs a verb: list, fetch", "parry data --help")]
    [InlineData("data mnist", "parry data has no \"mnist\"")]
    [InlineData("data fetch", "fetch", "parry data fetch --help")]
    [InlineData("data fetch svhn", "mnist, fashion-mnist, cifar10", "svhn")]
    [InlineData("doctor --fast", "--fast", "parry doctor --help")]
    [InlineData("train gan", "--data", "required")]
    [InlineData("train gan --data mnist --out g.safetensors --seed x", "--seed", "whole number", "\"x\"")]
    [InlineData("train gan --data mnist --out g.safetensors --batch 0", "--batch", "above 0", "\"0\"")]
    [InlineData("train gan --data mnist --out g.safetensors --width 1.5", "--width", "\"1.5\"")]
    [InlineData(
        "train gan --data mnist --out g.safetensors --learning-rate -1",
        "--learning-rate",
        "above 0",
        "\"-1\""
    )]
    [InlineData("train gan --data mnist --out g.safetensors --learning-rate NaN", "--learning-rate", "\"NaN\"")]
    [InlineData("train gan --data mnist --out g.safetensors --threads 0", "--threads", "\"0\"")]
    [InlineData("train gan --data mnist --out g.safetensors --kind svm", "svm", "wgan-gp", "hinge")]
    [InlineData("train gan --data svhn --out g.safetensors", "mnist, fashion-mnist, cifar10")]
    [InlineData("train gan --data mnist --out g.bin", "--out", ".safetensors", "g.bin")]
    [InlineData("train classifier --data mnist --net z --out z.safetensors", "classifier-a", "\"z\"")]
    [InlineData("train classifier --data mnist --net a --out a.safetensors --dropout half", "half", "keep")]
    [InlineData("model inspect nothing.safetensors", "nothing.safetensors")]
    [InlineData("data list --data-dir /nonexistent", "/nonexistent")]
    public async Task Bad_usage_is_one_line_and_code_2(string line, params string[] words) =>
        (await CommandLine.Run(line.Split(' '))).Fails(2, words);

    [Theory]
    [InlineData(2, typeof(UserErrorException))]
    [InlineData(2, typeof(TorchNotFoundException))]
    [InlineData(1, typeof(IOException))]
    [InlineData(1, typeof(InvalidOperationException))]
    [InlineData(130, typeof(OperationCanceledException))]
    [InlineData(130, typeof(StoppedException))]
    public void A_failure_has_its_exit_code_and_one_line(int code, Type type)
    {
        const string Message = "two\nlines";
        var failure = (Exception)(
            type == typeof(TorchNotFoundException)
                ? new TorchNotFoundException(Message, new IOException())
                : Activator.CreateInstance(type, Message)!
        );
        using var error = new StringWriter();

        Assert.Equal(
            code,
            Errors.Report(new TypeInitializationException("Some", new TargetInvocationException(failure)), error)
        );

        Assert.Equal(
            type == typeof(OperationCanceledException) ? "parry: stopped\n" : "parry: two lines\n",
            error.ToString()
        );
    }

    [Fact]
    public void The_stack_is_shown_on_request_only()
    {
        using var error = new StringWriter();
        Environment.SetEnvironmentVariable("PARRY_DEBUG", "1");
        try
        {
            Errors.Report(new IOException("broken"), error);
        }
        finally
        {
            Environment.SetEnvironmentVariable("PARRY_DEBUG", null);
        }

        Assert.StartsWith("parry: broken\nSystem.IO.IOException", error.ToString(), StringComparison.Ordinal);
    }
}
