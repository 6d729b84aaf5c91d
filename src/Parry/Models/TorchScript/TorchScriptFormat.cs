namespace Parry.Models.TorchScript;

/// <summary>TorchScript files as a format of the catalog.</summary>
internal static class TorchScriptFormat
{
    /// <summary>The format.</summary>
    public static ModelFormat Format { get; } =
        new("TorchScript", "TorchScript .pt", Open)
        {
            Extensions = [".pt", ".pth", ".pt2", ".ts"],
            ReadLayers = TorchScriptModel.Layers,
        };

    private static OpenedModel Open(ModelSource source) =>
        ModelFormat.Refuse(
            source.Location,
            () => TorchScriptModel.Load(source.Location, source.Contract, source.Shape, source.Classes)
        );
}
