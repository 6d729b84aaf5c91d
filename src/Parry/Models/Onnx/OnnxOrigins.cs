using Parry.Models.Onnx.Files;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Models.Onnx;

/// <summary>Finds which nodes of a file a value comes from.</summary>
internal sealed class OnnxOrigins
{
    private const double LargestOffset = 1e-3;

    private static readonly string[] s_keepsOrder =
    [
        "Identity",
        "Cast",
        "ai.onnx.ml.ZipMap",
        "Squeeze",
        "Unsqueeze",
        "Reshape",
        "Flatten",
        "Dropout",
        "Log",
    ];

    private readonly OnnxFile _file;
    private readonly Dictionary<string, OnnxNode> _makers = [];

    /// <summary>Reads which node makes which value.</summary>
    public OnnxOrigins(OnnxFile file)
    {
        _file = file;
        foreach (OnnxNode node in file.Nodes.Where(node => node.Outputs.Length > 0))
            _makers.TryAdd(node.Outputs[0], node);
    }

    /// <summary>
    /// The last node that can change the order of scores; null where there is none, or the graph has a circle.
    /// </summary>
    public OnnxNode? OfOrder(string value)
    {
        string name = value;
        for (int step = 0; step <= _makers.Count; step++)
        {
            if (!_makers.TryGetValue(name, out OnnxNode? node) || node.Inputs.Length == 0)
                return null;
            bool keepsOrder =
                s_keepsOrder.Contains(node.Kind)
                || (
                    node.Kind == "Clip"
                    && node.Inputs.Skip(1).All(bound => bound.Length == 0 || Number(bound) is not null)
                )
                || (node.Kind == "Add" && Constant(node, 1) is >= 0 and <= LargestOffset);
            if (!keepsOrder)
                return node;
            name = node.Inputs[0];
        }

        return null;
    }

    /// <summary>The scores before they are multiplied or divided by numbers above 0, which keeps their order.</summary>
    public string WithoutTemperature(string scores)
    {
        string name = scores;
        for (int step = 0; step <= _makers.Count && _makers.TryGetValue(name, out OnnxNode? node); step++)
        {
            if (node.Kind is "Mul" or "Div" && Constant(node, 1) > 0)
                name = node.Inputs[0];
            else if (node.Kind == "Mul" && Constant(node, 0) > 0)
                name = node.Inputs[1];
            else
                return name;
        }

        return name;
    }

    /// <summary>The value of a constant that holds one number; null for all else.</summary>
    public double? Number(string name)
    {
        OnnxTensor? stored = _file.Initializers.Find(constant => constant.Name == name);
        if (stored is null && _makers.TryGetValue(name, out OnnxNode? node) && node.Operator == "Constant")
        {
            if (node.Has("value_float"))
                return node.Float("value_float", 0);
            stored = node.Tensor("value");
        }

        if (stored?.Count() != 1)
            return null;
        using Tensor number = stored.Read();
        return number.reshape().Item();
    }

    private double? Constant(OnnxNode node, int input) => node.Inputs.Length == 2 ? Number(node.Inputs[input]) : null;
}
