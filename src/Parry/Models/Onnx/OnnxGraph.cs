using System.Runtime.InteropServices;
using Parry.Models.Onnx.Files;
using Parry.Models.Onnx.Operators;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Models.Onnx;

/// <summary>
/// A graph prepared to run from an input to one output: drops what that output does not need, orders the nodes,
/// computes constants, and folds batch normalization into the convolution before it. Owns its constants.
/// </summary>
internal sealed class OnnxGraph : IDisposable
{
    private const int MostBatches = 4;

    // A larger number is no batch that anybody exports with, and would take seconds to try.
    private const long LargestBatch = 1024;

    private static readonly string[] s_layers =
    [
        "Conv",
        "ConvTranspose",
        "Gemm",
        "MatMul",
        "Einsum",
        "ConvInteger",
        "MatMulInteger",
        "QLinearConv",
        "QLinearMatMul",
    ];

    private readonly Dictionary<string, OnnxNode> _makers = [];

    /// <summary>Prepares a file's graph.</summary>
    /// <exception cref="InvalidDataException">Operators are missing, all of which are named; values are missing, made
    /// twice or depend on themselves; a node is wrong.</exception>
    public OnnxGraph(OnnxFile file, string input, string output)
    {
        TorchLibrary.Load();
        (Input, Output) = (input, output);
        foreach (OnnxNode node in file.Nodes)
        {
            foreach (string name in node.Outputs.Where(name => name.Length > 0))
            {
                if (!_makers.TryAdd(name, node) || name == input)
                    throw new InvalidDataException($"the value \"{name}\" is computed twice, also by {node}");
            }
        }

        var initializers = new Dictionary<string, OnnxTensor>();
        foreach (OnnxTensor constant in file.Initializers)
            initializers[constant.Name] = constant;
        if (initializers.ContainsKey(output))
            throw new InvalidDataException(
                $"its output \"{output}\" is a constant of the file, the same for all images"
            );
        OnnxNode[] needed = InOrder(initializers);
        CheckOperators(needed);
        using var frozen = no_grad();
        try
        {
            foreach (string name in needed.SelectMany(node => node.Inputs).Distinct().Where(initializers.ContainsKey))
                Constants[name] = new OnnxValue(
                    initializers[name].Read().DetachFromDisposeScope(),
                    initializers[name].Type
                );
            foreach (OnnxNode node in needed)
                Add(node);
            if (Constants.ContainsKey(output))
                throw Maker(output).Refused($"computes the output \"{output}\" from constants alone");
            FoldNormalization();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The name of the value that the images are fed to.</summary>
    public string Input { get; }

    /// <summary>The name of the value that is returned.</summary>
    public string Output { get; }

    /// <summary>The values that do not depend on the images.</summary>
    public Dictionary<string, OnnxValue> Constants { get; } = [];

    /// <summary>The nodes to run for each batch, in order.</summary>
    public List<(OnnxNode Node, OnnxKernel Kernel)> Nodes { get; } = [];

    /// <summary>Makes the function of a node.</summary>
    /// <exception cref="InvalidDataException">Its attributes are wrong; the message names it.</exception>
    public static OnnxKernel Make(OnnxNode node)
    {
        try
        {
            return OnnxOperators.Make(node);
        }
        catch (Exception e) when (IsFault(e))
        {
            string reason = Reason(e);
            throw reason.StartsWith("the node ", StringComparison.Ordinal)
                ? e
                : new InvalidDataException($"the node {node} cannot be read: {reason}", e);
        }
    }

    /// <summary>Runs one node on values.</summary>
    /// <exception cref="InvalidDataException">The node cannot process them; the message names it.</exception>
    public static Tensor[] Run(OnnxNode node, OnnxKernel kernel, OnnxValue?[] inputs)
    {
        try
        {
            // An operator makes about as much as it reads; those that make more claim it themselves.
            OnnxGuard.Claim(inputs.Maybe(0)?.Tensor.numel() ?? 0);
            Tensor[] made = kernel(inputs);

            // Values are freed after their last use, so no output may be the same object as an input.
            for (int i = 0; i < made.Length; i++)
            {
                if (Array.Exists(inputs, input => ReferenceEquals(input?.Tensor, made[i])))
                    made[i] = made[i].view_as(made[i]);
            }

            return made;
        }
        catch (Exception e) when (IsFault(e))
        {
            string shapes = string.Join(", ", inputs.Select(input => input?.Tensor.Describe() ?? "nothing"));
            throw new InvalidDataException(
                $"the node {node} does not accept {(shapes.Length == 0 ? "no inputs" : shapes)}: {Reason(e)}",
                e
            );
        }
    }

    /// <summary>The node that computes a value.</summary>
    public OnnxNode Maker(string name) => _makers[name];

    private static bool IsFault(Exception e) =>
        e
            is InvalidDataException
                or ExternalException
                or ArithmeticException
                or IndexOutOfRangeException
                or ArgumentException
                or NotSupportedException
                or InvalidOperationException
                or OutOfMemoryException;

    // What .NET says of a wrong index or an overflow tells nobody what is wrong with a file.
    private static string Reason(Exception e) =>
        e switch
        {
            InvalidDataException => e.Message,
            ExternalException => TorchErrors.FirstLine(e.InnerException ?? e),
            _ => "its inputs and attributes do not fit the operator",
        };

    /// <summary>Whether rounding has the gradient of the identity.</summary>
    public bool PassesGradients { get; private set; }

    /// <summary>
    /// Gives the gradient of the identity to what rounds, and to what clips pixels before the first layer.
    /// </summary>
    public void PassGradients()
    {
        PassesGradients = true;
        HashSet<string> pixels = [Input];
        for (int i = 0; i < Nodes.Count; i++)
        {
            var (node, kernel) = Nodes[i];
            if (!s_layers.Contains(node.Kind) && node.Inputs.Any(pixels.Contains))
                pixels.UnionWith(node.Outputs);
            if (OnnxStraightThrough.Rounds(node) || (node.Kind == "Clip" && pixels.Contains(node.Inputs[0])))
                Nodes[i] = (node, OnnxStraightThrough.Around(kernel));
        }
    }

    /// <summary>The sizes that reshapes to constant sizes give to the first dimension.</summary>
    public long[] BakedBatches() =>
        [
            .. Nodes
                .Where(step => step.Node.Operator == "Reshape" && step.Node.Inputs.Length > 1)
                .Select(step => Constants.GetValueOrDefault(step.Node.Inputs[1]))
                .Where(sizes => sizes is { Integers: [> 0, ..] })
                .Select(sizes => sizes!.Integers[0])
                .Where(batch => batch <= LargestBatch)
                .Distinct()
                .Take(MostBatches),
        ];

    /// <summary>Makes reshapes to the batch size of the export keep the batch size at hand instead.</summary>
    public void FreeBatch(long batch)
    {
        for (int i = 0; i < Nodes.Count; i++)
        {
            OnnxNode node = Nodes[i].Node;
            if (
                node.Operator != "Reshape"
                || node.Inputs.Length < 2
                || node.Flag("allowzero")
                || !Constants.TryGetValue(node.Inputs[1], out OnnxValue? sizes)
                || sizes.Integers.Length == 0
                || sizes.Integers[0] != batch
            )
                continue;
            string freed = $"{node.Outputs[0]} sizes";
            Constants[freed] = new OnnxValue(
                tensor((long[])[0, .. sizes.Integers[1..]], [sizes.Integers.Length]).DetachFromDisposeScope()
            );
            var reshape = new OnnxNode(node, [node.Inputs[0], freed], node.Outputs);
            Nodes[i] = (reshape, OnnxOperators.Make(reshape));
        }
    }

    /// <summary>Frees all constants but those named.</summary>
    public void KeepOnly(ICollection<string> names)
    {
        foreach (string name in Constants.Keys.Where(name => !names.Contains(name)).ToArray())
        {
            Constants[name].Tensor.Dispose();
            Constants.Remove(name);
        }
    }

    /// <summary>Frees the constants.</summary>
    public void Dispose()
    {
        foreach (OnnxValue constant in Constants.Values)
            constant.Tensor.Dispose();
    }

    // Depth first from the output, without recursion: graphs can be thousands of nodes deep.
    private OnnxNode[] InOrder(Dictionary<string, OnnxTensor> initializers)
    {
        var ordered = new List<OnnxNode>();
        var state = new Dictionary<OnnxNode, bool>();
        var stack = new Stack<(OnnxNode Node, int Next)>();
        Visit(Output, null);
        while (stack.TryPop(out var top))
        {
            if (top.Next == top.Node.Inputs.Length)
            {
                state[top.Node] = true;
                ordered.Add(top.Node);
                continue;
            }

            stack.Push((top.Node, top.Next + 1));
            Visit(top.Node.Inputs[top.Next], top.Node);
        }

        return [.. ordered];

        void Visit(string name, OnnxNode? of)
        {
            if ((name.Length == 0 && of is not null) || name == Input || initializers.ContainsKey(name))
                return;
            if (!_makers.TryGetValue(name, out OnnxNode? maker))
                throw new InvalidDataException(
                    of is null
                        ? $"no node computes its output \"{name}\""
                        : $"the node {of} takes \"{name}\", which no node computes"
                );
            if (!state.TryGetValue(maker, out bool done))
            {
                state[maker] = false;
                stack.Push((maker, 0));
            }
            else if (!done)
            {
                throw new InvalidDataException($"the node {maker} needs its own output: the graph has a cycle");
            }
        }
    }

    private static void CheckOperators(OnnxNode[] nodes)
    {
        var missing = nodes
            .Where(node => !OnnxOperators.Knows(node))
            .GroupBy(node => node.Kind)
            .Select(group => group.Count() == 1 ? $"{group.First()}" : $"{group.First()} and {group.Count() - 1} more")
            .ToArray();
        if (missing.Length > 0)
            throw new InvalidDataException(
                $"it needs {(missing.Length == 1 ? "an operator that is" : $"{missing.Length} operators that are")} "
                    + $"not supported: {string.Join(", ", missing)}; export the model as TorchScript instead"
            );
    }

    private void Add(OnnxNode node)
    {
        OnnxKernel kernel = Make(node);

        // Compute now what depends on constants only.
        if (node.Inputs.All(name => name.Length == 0 || Constants.ContainsKey(name)))
        {
            using var scope = NewDisposeScope();
            Tensor[] made = Run(
                node,
                kernel,
                [.. node.Inputs.Select(name => name.Length == 0 ? null : Constants[name])]
            );
            if (made.Length < node.Outputs.Length)
                throw node.Refused($"does not compute \"{node.Outputs[made.Length]}\" here");
            OnnxType type =
                node.Operator == "Constant" ? node.Tensor("value")?.Type ?? OnnxType.Undefined : OnnxType.Undefined;
            for (int i = 0; i < Math.Min(made.Length, node.Outputs.Length); i++)
            {
                OnnxGuard.Count(made[i].numel());
                Constants[node.Outputs[i]] = new OnnxValue(
                    scope.MoveToOuter(made[i].clone()).DetachFromDisposeScope(),
                    type
                );
            }

            return;
        }

        Nodes.Add((node, node.Kind == "DynamicQuantizeLinear" ? OnnxQuantization.QuantizeEachImage : kernel));
    }

    // In evaluation mode, batch normalization is a scale and a shift for each channel, which the convolution before it
    // can do too.
    private void FoldNormalization()
    {
        var uses = Nodes
            .SelectMany(step => step.Node.Inputs)
            .GroupBy(name => name)
            .ToDictionary(group => group.Key, group => group.Count());
        for (int i = 0; i < Nodes.Count; i++)
        {
            OnnxNode node = Nodes[i].Node;
            if (node.Operator != "BatchNormalization" || node.Inputs.Length != 5)
                continue;
            int at = Nodes.FindIndex(step => step.Node.Outputs.Length > 0 && step.Node.Outputs[0] == node.Inputs[0]);
            if (
                at < 0
                || Nodes[at].Node is not { Operator: "Conv" } conv
                || uses[node.Inputs[0]] != 1
                || node.Inputs[0] == Output
                || conv.Inputs.Length < 2
                || !Constants.TryGetValue(conv.Inputs[1], out OnnxValue? weights)
                || weights.Tensor.shape.Length == 0
                || !node
                    .Inputs.Concat(conv.Inputs.Skip(2))
                    .Skip(1)
                    .All(name => name.Length == 0 || IsPerChannel(name, weights.Tensor.size(0)))
            )
                continue;
            using var scope = NewDisposeScope();
            Tensor gamma = Constants[node.Inputs[1]].Tensor;
            Tensor beta = Constants[node.Inputs[2]].Tensor;
            Tensor mean = Constants[node.Inputs[3]].Tensor;
            Tensor variance = Constants[node.Inputs[4]].Tensor;
            Tensor weight = weights.Tensor;
            Tensor scale = gamma / (variance + node.Float("epsilon", 1e-5)).sqrt();
            Tensor shift = beta - (mean * scale);
            if (conv.Inputs.Length > 2 && conv.Inputs[2].Length > 0)
                shift += Constants[conv.Inputs[2]].Tensor * scale;
            string scaled = $"{node.Outputs[0]} weight";
            string shifted = $"{node.Outputs[0]} bias";
            long[] column = new long[weight.shape.Length];
            Array.Fill(column, 1);
            column[0] = -1;
            Constants[scaled] = new OnnxValue(
                scope.MoveToOuter(weight * scale.reshape(column)).DetachFromDisposeScope()
            );
            Constants[shifted] = new OnnxValue(scope.MoveToOuter(shift.clone()).DetachFromDisposeScope());
            var folded = new OnnxNode(conv, [conv.Inputs[0], scaled, shifted], node.Outputs[..1]);
            Nodes[at] = (folded, OnnxOperators.Make(folded));
            Nodes.RemoveAt(i--);
        }
    }

    private bool IsPerChannel(string name, long channels) =>
        Constants.TryGetValue(name, out OnnxValue? value)
        && value.Tensor.is_floating_point()
        && value.Tensor.shape is [var size]
        && size == channels;
}
