using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Tests.Models.Onnx;

/// <summary>Graphs on images of 1x4x4, opened from a folder of their own; ONNX Runtime judges what they give.</summary>
public abstract class OnnxModels : IDisposable
{
    private protected static readonly ImageShape s_shape = new(1, 4, 4);

    private protected readonly string _folder = Directory.CreateTempSubdirectory("parry-onnx").FullName;

    public void Dispose()
    {
        Directory.Delete(_folder, true);
        GC.SuppressFinalize(this);
    }

    private protected static Tensor Images(int count)
    {
        using var random = new Generator(5);
        return rand([count, 1, 4, 4], generator: random);
    }

    // Every graph that is opened here is shown to ONNX Runtime as well.
    private protected OpenedModel Open(OnnxBuilder net, string name = "model.onnx")
    {
        OnnxJudge.Agrees(net.Save(_folder, name), s_shape);
        return Load(net, name);
    }

    private protected OpenedModel Load(OnnxBuilder net, string name = "model.onnx", InputContract? contract = null) =>
        ModelCatalog.Open(net.Save(_folder, name), contract ?? new InputContract(), s_shape);
}
