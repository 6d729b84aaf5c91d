using Parry.Models.Onnx.Files;

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
    /// <summary>Whether two classes come from one sigmoid p, as 1 - p and p.</summary>
    public bool IsPair { get; private init; }

    /// <summary>The head before an output; null if it ends in something else.</summary>
    public static OnnxHead? Find(OnnxFile file, string output)
    {
        var nodes = new OnnxOrigins(file);
        if (nodes.OfOrder(output) is not { } last)
            return null;
        if (last.Kind is "Softmax" or "LogSoftmax")
        {
            int axis = (int)last.Axis(last.Opset < 13 ? 1 : -1);
            return new OnnxHead(nodes.WithoutTemperature(last.Inputs[0]), axis, last.Opset < 13);
        }

        if (last.Kind == "Sigmoid")
            return new OnnxHead(nodes.WithoutTemperature(last.Inputs[0]), null, false);
        if (last.Kind == "Concat" && Sigmoid(nodes, last) is { } both)
            return new OnnxHead(nodes.WithoutTemperature(both.Inputs[0]), null, false) { IsPair = true };
        return null;
    }

    /// <summary>
    /// Whether the softmax normalizes all scores of an image together, or the pair has one score for an image.
    /// </summary>
    /// <param name="shape">The shape of the scores, the batch first.</param>
    public bool Fits(long[] shape)
    {
        if (IsPair)
            return shape.Skip(1).All(size => size == 1);
        if (Axis is not { } axis)
            return true;
        int at = axis < 0 ? axis + shape.Length : axis;
        if (at < 1 || at >= shape.Length)
            return false;
        long[] normalized = ToTheEnd ? shape[at..] : [shape[at]];
        return shape.Skip(1).Where(size => size != 1).SequenceEqual(normalized.Where(size => size != 1));
    }

    // The sigmoid p behind the columns 1 - p and p.
    private static OnnxNode? Sigmoid(OnnxOrigins nodes, OnnxNode columns)
    {
        if (columns.Inputs.Length != 2 || columns.Axis(1) == 0)
            return null;
        OnnxNode? rest = nodes.OfOrder(columns.Inputs[0]);
        OnnxNode? share = nodes.OfOrder(columns.Inputs[1]);
        bool isPair =
            share?.Kind == "Sigmoid"
            && rest?.Kind == "Sub"
            && nodes.Number(rest.Inputs[0]) == 1
            && nodes.OfOrder(rest.Inputs[1]) == share;
        return isPair ? share : null;
    }
}
