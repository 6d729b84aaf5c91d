using Parry.Models.Onnx.Files;

namespace Parry.Models.Onnx;

/// <summary>Finds the output of a file that holds the scores.</summary>
internal static class OnnxOutputs
{
    private static readonly string[] s_probabilities = ["prob", "softmax"];
    private static readonly string[] s_scores = ["logit", "prob", "softmax", "score", "output"];

    /// <summary>
    /// The output with the scores: the one that is asked for; otherwise, of those with fractions, one with as many
    /// values as there are classes, then one named accordingly, then the first.
    /// </summary>
    /// <param name="file">The file.</param>
    /// <param name="contract">What is known of the outputs.</param>
    /// <param name="classes">The number of classes of the images at hand, if it is known.</param>
    /// <exception cref="InvalidDataException">No output has scores.</exception>
    public static string Choose(OnnxFile file, InputContract contract, int? classes)
    {
        if (file.Outputs.Count == 0)
            throw new InvalidDataException("it has no output");
        if (contract.Output is { } asked)
            return file.Outputs.Exists(port => port.Name == asked)
                ? asked
                : throw new InvalidDataException($"it has no output \"{asked}\"; its outputs are {List(file)}");
        OnnxPort[] scores =
        [
            .. file.Outputs.Where(port =>
                port.Type is OnnxType.Float or OnnxType.Double or OnnxType.Float16 or OnnxType.BFloat16
                || file.Nodes.Any(node => node.Operator == "ZipMap" && node.Outputs.Contains(port.Name))
            ),
        ];
        if (scores.Length == 0)
            scores = [.. file.Outputs.Where(port => port.Type == OnnxType.Undefined)];
        if (scores.Length == 0)
            throw new InvalidDataException(
                $"its outputs ({List(file)}) contain no scores: export the logits too; labels alone give an attack no "
                    + "gradients"
            );
        OnnxPort[] fitting =
        [
            .. scores.Where(port => Values(port) is { } count && contract.ClassesOf(count) == classes),
        ];
        if (fitting.Length > 0)
            scores = fitting;
        string[] words = contract.Outputs == OutputKind.Probabilities ? s_probabilities : s_scores;
        return words
                .Select(word =>
                    scores.FirstOrDefault(port => port.Name.Contains(word, StringComparison.OrdinalIgnoreCase))
                )
                .FirstOrDefault(port => port is not null)
                ?.Name
            ?? scores[0].Name;
    }

    /// <summary>All outputs with their types and shapes, for messages.</summary>
    public static string List(OnnxFile file) =>
        string.Join(
            ", ",
            file.Outputs.Select(port =>
                port.Shape is { } shape
                    ? $"{port.Name}: {port.Type}[{string.Join(", ", shape.Select(size => size < 0 ? "?" : $"{size}"))}]"
                    : $"{port.Name}: {port.Type}"
            )
        );

    // The number of values for an image, if the file says it.
    private static int? Values(OnnxPort port)
    {
        if (port.Shape is not { Length: > 0 } shape || shape.Skip(1).Any(size => size < 1))
            return null;
        double count = shape.Skip(1).Aggregate(1.0, (product, size) => product * size);
        return count <= int.MaxValue ? (int)count : null;
    }
}
