namespace Parry.Models.Onnx;

/// <summary>ONNX files as a format of the catalog.</summary>
internal static class OnnxFormat
{
    /// <summary>The format.</summary>
    public static ModelFormat Format { get; } = new("ONNX", ".onnx", Open) { Extensions = [".onnx"] };

    private static OpenedModel Open(ModelSource source) =>
        ModelFormat.Refuse(
            source.Location,
            () => OnnxModel.Load(source.Location, source.Contract, source.Shape, source.Classes)
        );
}
