using Parry.Models.Onnx.Files;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Models.Onnx.Operators;

/// <summary>
/// Sums of products by Einstein's notation, whose cost is estimated from the equation: LibTorch contracts the operands
/// from left to right.
/// </summary>
internal static class OnnxEinsum
{
    private const char Ellipsis = '.';

    public static OnnxKernel Make(OnnxNode node)
    {
        string equation = node.Text("equation").Replace(" ", "", StringComparison.Ordinal);
        return inputs =>
        {
            Tensor[] operands = OnnxOperators.All(inputs);
            Estimate(equation, operands);
            return [einsum(equation, operands)];
        };
    }

    private static void Estimate(string equation, Tensor[] operands)
    {
        string[] sides = equation.Replace("...", $"{Ellipsis}", StringComparison.Ordinal).Split("->");
        string[] terms = sides[0].Split(',');
        if (terms.Length != operands.Length)
            throw new InvalidDataException(
                $"its equation \"{equation}\" has {terms.Length} terms for {operands.Length} inputs"
            );
        var sizes = new Dictionary<char, long>();
        for (int i = 0; i < terms.Length; i++)
            Measure(terms[i], operands[i], sizes);

        // Without an output, the labels that occur once stay.
        string output =
            sides.Length > 1 ? sides[1] : string.Concat(sizes.Keys.Where(label => sides[0].Count(label.Equals) == 1));
        string left = terms[0];
        for (int i = 1; i < terms.Length; i++)
        {
            string both = string.Concat(left.Union(terms[i]));
            OnnxGuard.Work(both.Aggregate(1.0, (product, label) => product * sizes[label]));
            left = string.Concat(both.Intersect(string.Concat(terms[(i + 1)..]) + output));
            OnnxGuard.Claim([.. left.Select(label => sizes[label])]);
        }
    }

    // The largest size of each label; all dimensions of an ellipsis count as one.
    private static void Measure(string term, Tensor operand, Dictionary<char, long> sizes)
    {
        long[] shape = operand.shape;
        int more = shape.Length - term.Count(label => label != Ellipsis);
        if (more < 0 || (more > 0 && !term.Contains(Ellipsis, StringComparison.Ordinal)))
            throw new InvalidDataException($"its term \"{term}\" does not fit {operand.Describe()}");
        int at = 0;
        foreach (char label in term)
        {
            int next = label == Ellipsis ? at + more : at + 1;
            sizes[label] = Math.Max(sizes.GetValueOrDefault(label, 1), OnnxShapes.Product(shape[at..next]));
            at = next;
        }
    }
}
