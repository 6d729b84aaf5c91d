using Parry.Models.Onnx.Files;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Models.Onnx;

/// <summary>
/// What a graph does to its scores at the end: softmax or sigmoid, its logarithm, a temperature, changes of shape. All
/// of it keeps the order of the scores, and where a probability rounds to 1 it has no gradient: attacks take the scores
/// before it.
/// </summary>
/// <param name="Scores">The value before the head.</param>
/// <param name="Axis">The axis that a softmax normalizes, which must hold all scores of an image; null for a
/// sigmoid.</param>
/// <param name="ToTheEnd">Whether the softmax takes all dimensions from that axis on as one.</param>
internal sealed record OnnxHead(string Scores, int? Axis, bool ToTheEnd)
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

    /// <summary>The head before an output; null if it ends in something else.</summary>
    public static OnnxHead? Find(OnnxFile file, string output)
    {
        var makers = new Dictionary<string, OnnxNode>();
        foreach (OnnxNode node in file.Nodes.Where(node => node.Outputs.Length > 0))
            makers.TryAdd(node.Outputs[0], node);
        string name = output;

        // Each node is passed once, unless the graph has a circle.
        for (int step = 0; step <= makers.Count; step++)
        {
            if (!makers.TryGetValue(name, out OnnxNode? node) || node.Inputs.Length == 0)
                return null;
            if (node.Kind is "Softmax" or "LogSoftmax")
            {
                int axis = (int)node.Axis(node.Opset < 13 ? 1 : -1);
                return new OnnxHead(WithoutTemperature(file, makers, node.Inputs[0]), axis, node.Opset < 13);
            }

            if (node.Kind == "Sigmoid")
                return new OnnxHead(WithoutTemperature(file, makers, node.Inputs[0]), null, false);
            bool keepsOrder =
                s_keepsOrder.Contains(node.Kind)
                || (node.Kind == "Clip" && node.Inputs.Skip(1).All(bound => IsNumber(file, makers, bound)))
                || (node.Kind == "Add" && Constant(file, makers, node, 1) is >= 0 and <= LargestOffset);
            if (!keepsOrder)
                return null;
            name = node.Inputs[0];
        }

        return null;
    }

    /// <summary>Whether the softmax normalizes all scores of an image together.</summary>
    /// <param name="shape">The shape of the scores, the batch first.</param>
    public bool Fits(long[] shape)
    {
        if (Axis is not { } axis)
            return true;
        int at = axis < 0 ? axis + shape.Length : axis;
        if (at < 1 || at >= shape.Length)
            return false;
        long[] normalized = ToTheEnd ? shape[at..] : [shape[at]];
        return shape.Skip(1).Where(size => size != 1).SequenceEqual(normalized.Where(size => size != 1));
    }

    // Factors and divisors above 0 keep the order too.
    private static string WithoutTemperature(OnnxFile file, Dictionary<string, OnnxNode> makers, string scores)
    {
        string name = scores;
        for (int step = 0; step <= makers.Count && makers.TryGetValue(name, out OnnxNode? node); step++)
        {
            if (node.Kind is "Mul" or "Div" && Constant(file, makers, node, 1) > 0)
                name = node.Inputs[0];
            else if (node.Kind == "Mul" && Constant(file, makers, node, 0) > 0)
                name = node.Inputs[1];
            else
                return name;
        }

        return name;
    }

    private static bool IsNumber(OnnxFile file, Dictionary<string, OnnxNode> makers, string name) =>
        name.Length == 0 || Number(file, makers, name) is not null;

    private static double? Constant(OnnxFile file, Dictionary<string, OnnxNode> makers, OnnxNode node, int input) =>
        node.Inputs.Length == 2 ? Number(file, makers, node.Inputs[input]) : null;

    // The value of a constant that holds one number; null for all else.
    private static double? Number(OnnxFile file, Dictionary<string, OnnxNode> makers, string name)
    {
        OnnxTensor? stored = file.Initializers.Find(constant => constant.Name == name);
        if (stored is null && makers.TryGetValue(name, out OnnxNode? node) && node.Operator == "Constant")
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
}
