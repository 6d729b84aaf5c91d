using System.IO.Compression;
using Parry.Models.TorchScript;
using Parry.Runtime;
using Parry.Tests.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Models;

public sealed class ScriptModuleTests : LeakChecked
{
    private const string Square = "return torch.mul(x, x)";

    private readonly string _folder = Directory.CreateTempSubdirectory("parry-script-").FullName;

    protected override void Clean() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_script_runs_and_gradients_flow_through_it()
    {
        using var scope = NewDisposeScope();
        using ScriptedNetwork module = ScriptedNetwork.Load(Script(Square));
        Tensor x = tensor(new float[] { 1f, 2, 3 }).requires_grad_();
        Tensor y = module.Forward(x);
        Assert.Equal([1f, 4, 9], y.ToArray<float>());
        Assert.Equal([2f, 4, 6], Autograd.Grad(y.sum(), x).ToArray<float>());
        using (no_grad())
            Assert.False(module.Forward(x).requires_grad);
    }

    [Fact]
    public void The_first_passes_and_those_compiled_for_what_came_before_are_equal()
    {
        using var scope = NewDisposeScope();
        using ScriptedNetwork module = ScriptedNetwork.Load(
            Script("y = torch.mul(torch.sigmoid(x), x)\nreturn torch.add(torch.tanh(y), y)")
        );
        foreach (long count in new long[] { 3, 3, 3, 3, 5, 1, 3 })
        {
            Tensor x = linspace(-1, 1, count).requires_grad_();
            Tensor own = linspace(-1, 1, count).requires_grad_();
            Tensor y = module.Forward(x);
            Tensor product = own.sigmoid() * own;
            Tensor expected = product.tanh() + product;
            Assert.Equal(expected.ToArray<float>(), y.ToArray<float>());
            float[] slopes = Autograd.Grad(expected.sum(), own).ToArray<float>();
            float[] got = Autograd.Grad(y.sum(), x).ToArray<float>();
            Assert.All(slopes.Zip(got), pair => Assert.Equal(pair.First, pair.Second, 1e-6f));
            using (no_grad())
                Assert.Equal(expected.ToArray<float>(), module.Forward(x).ToArray<float>());
        }
    }

    [Fact]
    public void A_script_without_weights_has_none()
    {
        using ScriptedNetwork module = ScriptedNetwork.Load(Script(Square));
        Assert.Empty(module.Weights());
    }

    [Fact]
    public void A_script_is_loaded_in_evaluation_mode()
    {
        using var scope = NewDisposeScope();
        using ScriptedNetwork module = ScriptedNetwork.Load(
            Script("if self.training:\n  y = torch.mul(x, 2)\nelse:\n  y = torch.mul(x, 3)\nreturn y")
        );
        Assert.Equal(3, module.Forward(ones([1])).Item());
    }

    [Fact]
    public void A_failure_inside_a_script_names_the_file_and_the_input()
    {
        using var scope = NewDisposeScope();
        using ScriptedNetwork module = ScriptedNetwork.Load(Script("return torch.mm(x, x)"));
        var error = Assert.Throws<TorchException>(() => module.Forward(ones([2, 3])));
        Assert.Contains("small.pt' on Float32[2, 3]", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("frame #", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_file_is_said_to_be_missing() =>
        Assert.Throws<FileNotFoundException>(() => ScriptedNetwork.Load(Path.Combine(_folder, "missing.pt")));

    [Fact]
    public void Garbage_an_empty_file_and_a_folder_are_refused()
    {
        string file = Path.Combine(_folder, "small.pt");
        File.WriteAllBytes(file, [1, 2, 3, 4, 5]);
        Refused(file);
        File.WriteAllBytes(file, []);
        Refused(file);
        Assert.Throws<FileNotFoundException>(() => ScriptedNetwork.Load(_folder));
    }

    [Fact]
    public void A_zip_of_something_else_is_refused()
    {
        string file = Path.Combine(_folder, "other.pt");
        using (var archive = new ZipArchive(File.Create(file), ZipArchiveMode.Create))
            archive.CreateEntry("hello.txt");
        Refused(file);
    }

    [Fact]
    public void A_truncated_script_is_refused_wherever_it_was_cut()
    {
        string file = Script(Square);
        byte[] whole = File.ReadAllBytes(file);
        for (int length = 0; length < whole.Length; length += 97)
        {
            File.WriteAllBytes(file, whole[..length]);
            Refused(file);
        }
    }

    [PublicModelFact]
    public void A_public_model_loads_with_frozen_weights_and_passes_gradients_to_its_input()
    {
        using var scope = NewDisposeScope();
        using ScriptedNetwork module = ScriptedNetwork.Load(PublicModelFactAttribute.File);
        Tensor plain = zeros([1, 1, 28, 28]);
        Assert.Equal([1, 10], module.Forward(plain).shape);
        Assert.Equal(
            ["conv1.weight", "conv1.bias", "conv2.weight"],
            module.Weights().Take(3).Select(weight => weight.Name)
        );
        Assert.Equal([20, 1, 5, 5], module.Weights()[0].Shape);
        Assert.False(module.Forward(plain).requires_grad);
        Tensor image = full([1, 1, 28, 28], 0.5).requires_grad_();
        Tensor gradient = Autograd.Grad(module.Forward(image).amax([1]).sum(), image);
        Assert.True(gradient.abs().sum().Item() > 0);
    }

    private static string Refused(string file)
    {
        var error = Assert.Throws<TorchException>(() => ScriptedNetwork.Load(file).Dispose());
        Assert.Contains(file, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("frame #", error.Message, StringComparison.Ordinal);
        return error.Message;
    }

    private string Script(string forward)
    {
        string file = Path.Combine(_folder, "small.pt");
        TorchScriptFile.Write(file, forward);
        return file;
    }

    private sealed class PublicModelFactAttribute : FactAttribute
    {
        public static readonly string File = Path.Combine(
            Environment.GetEnvironmentVariable("PARRY_DATA") ?? "",
            "../models/mnist-natural.pt"
        );

        public PublicModelFactAttribute()
        {
            if (!System.IO.File.Exists(File))
                Skip = "PARRY_DATA names no folder with ../models/mnist-natural.pt beside it.";
        }
    }
}
