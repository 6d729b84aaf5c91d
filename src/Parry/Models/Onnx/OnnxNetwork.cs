using Parry.Models.Onnx.Files;
using Parry.Models.Onnx.Operators;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Models.Onnx;

/// <summary>
/// An ONNX graph that runs on LibTorch's tensors, so that autograd follows it. Values that the graph computes from
/// shapes, to reshape or slice others, are determined at loading, by runs on batches of two, three and four images:
/// those that are equal in all runs are constants, those that grow by the same amount depend on the batch size only,
/// and the rest is computed each time.
/// </summary>
internal sealed class OnnxNetwork : IDisposable
{
    private static readonly long[] s_batches = [2, 3, 4];

    private readonly OnnxGraph _graph;
    private readonly Dictionary<string, int> _slots = [];
    private readonly List<Step> _steps = [];
    private readonly List<(int Slot, long[] AtZero, long[] Slope, long[] Shape)> _byBatch = [];
    private readonly OnnxValue?[] _constants;
    private readonly HashSet<OnnxNode> _rounding = [];
    private readonly long? _fixedBatch;
    private readonly int _input;
    private readonly int _output;

    /// <summary>Prepares a graph for inputs of one shape.</summary>
    /// <param name="graph">The graph; this object owns it.</param>
    /// <param name="input">The shape of one input, without the batch.</param>
    /// <param name="type">The type of its elements.</param>
    /// <param name="fixedBatch">The only batch size that the graph can process; null for any.</param>
    /// <exception cref="InvalidDataException">The graph cannot process such inputs.</exception>
    public OnnxNetwork(OnnxGraph graph, long[] input, ScalarType type, long? fixedBatch)
    {
        (_graph, _fixedBatch) = (graph, fixedBatch);
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        HashSet<string> shapes = FromShapes();
        if (shapes.Contains(graph.Output))
            throw graph
                .Maker(graph.Output)
                .Refused($"computes the output \"{graph.Output}\" from the shape of the images, not from their pixels");
        string[] edge =
        [
            .. graph
                .Nodes.Where(step => !shapes.Contains(step.Node.Outputs[0]))
                .SelectMany(step => step.Node.Inputs)
                .Append(graph.Output)
                .Distinct()
                .Where(shapes.Contains),
        ];
        long[] batches = fixedBatch is { } only ? [only] : s_batches;
        OnnxValue[][] seen = [.. batches.Select(batch => Try([batch, .. input], type, edge))];
        var known = new HashSet<string>();
        for (int i = 0; i < edge.Length; i++)
        {
            Tensor[] values = [.. seen.Select(run => run[i].Tensor)];
            if (Array.TrueForAll(values, value => Same(value, values[0])))
            {
                graph.Constants[edge[i]] = new OnnxValue(scope.MoveToOuter(values[0].clone()).DetachFromDisposeScope());
            }
            else if (
                values[0].dtype == ScalarType.Int64
                && Array.TrueForAll(values, value => value.shape.SequenceEqual(values[0].shape))
            )
            {
                long[][] numbers = [.. values.Select(value => value.ToArray<long>())];
                long[] slope = [.. numbers[1].Zip(numbers[0], (more, less) => more - less)];
                if (!numbers[2].Zip(numbers[1], (more, less) => more - less).SequenceEqual(slope))
                    continue;
                _byBatch.Add(
                    (
                        SlotOf(edge[i]),
                        [.. numbers[0].Zip(slope, (two, each) => two - (2 * each))],
                        slope,
                        values[0].shape
                    )
                );
            }
            else
            {
                continue;
            }

            known.Add(edge[i]);
        }

        _input = SlotOf(graph.Input);
        _output = SlotOf(graph.Output);
        Schedule(known);
        _constants = new OnnxValue?[_slots.Count];
        foreach (var (name, slot) in _slots)
            _constants[slot] = graph.Constants.GetValueOrDefault(name);
        graph.KeepOnly(_slots.Keys);
    }

    /// <summary>The shape of the output in a trial run, the batch first.</summary>
    public long[] OutputShape { get; private set; } = [];

    /// <summary>What hides gradients in this graph, in a sentence for each kind.</summary>
    public IReadOnlyList<string> Notes
    {
        get
        {
            OnnxNode[] rounding = [.. _steps.Select(step => step.Node).Where(_rounding.Contains)];
            if (_graph.PassesGradients || rounding.Length == 0)
                return [];
            string nodes = rounding.Length == 1 ? $"{rounding[0]}" : $"{rounding[0]} and {rounding.Length - 1} more";
            return
            [
                $"the model rounds inside ({nodes}), and rounding has no gradient: where attacks follow the gradient "
                    + "through it, their numbers mean nothing. --straight-through gives it that of the identity.",
            ];
        }
    }

    /// <summary>The output for a batch of inputs; differentiable.</summary>
    /// <param name="input">[N, …] in the layout of the file.</param>
    public Tensor Run(Tensor input)
    {
        if (_fixedBatch is not { } batch || input.size(0) == batch)
            return RunWhole(input);

        // A graph of fixed batch size gets pieces of that size, the last one padded.
        using var scope = NewDisposeScope();
        var pieces = new List<Tensor>();
        long count = input.size(0);
        for (long from = 0; from < count; from += batch)
        {
            Tensor piece = input.slice(0, from, Math.Min(count, from + batch), 1);
            long missing = batch - piece.size(0);
            if (missing > 0)
                piece = cat([piece, .. Enumerable.Repeat(piece.slice(0, 0, 1, 1), (int)missing)]);
            pieces.Add(RunWhole(piece).slice(0, 0, batch - missing, 1));
        }

        return scope.MoveToOuter(cat([.. pieces]));
    }

    /// <summary>Lists the nodes that run for each batch as layers.</summary>
    /// <param name="input">The shape of one input, without the batch.</param>
    /// <param name="type">The type of its elements.</param>
    public IReadOnlyList<ModelLayer> Layers(long[] input, ScalarType type)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        var layers = new List<ModelLayer>();
        RunWhole(
            zeros([_fixedBatch ?? 1, .. input], type),
            (step, made) =>
            {
                // Floating-point constants are weights; integers are sizes and indices.
                var weights = new Dictionary<string, long[]>();
                for (int i = 0; i < step.Inputs.Length; i++)
                {
                    if (
                        step.Inputs[i] >= 0
                        && _constants[step.Inputs[i]] is { Tensor: var constant }
                        && constant.dtype is ScalarType.Float32 or ScalarType.Float64
                    )
                        weights[step.Node.Inputs[i]] = constant.shape;
                }

                string name = step.Node.Name.Length > 0 ? step.Node.Name : step.Node.Outputs[0];
                layers.Add(
                    new ModelLayer(
                        name,
                        step.Node.Kind,
                        weights,
                        made[0].shape,
                        weights.Values.Sum(shape => shape.Aggregate(1L, (product, size) => product * size))
                    )
                );
            }
        );
        return layers;
    }

    /// <summary>Frees the constants.</summary>
    public void Dispose() => _graph.Dispose();

    private Tensor RunWhole(Tensor input, Action<Step, Tensor[]>? look = null)
    {
        OnnxGuard.Claim(input.shape);
        using var scope = NewDisposeScope();
        var values = (OnnxValue?[])_constants.Clone();
        values[_input] = new OnnxValue(input);
        foreach (var (slot, zero, slope, shape) in _byBatch)
            values[slot] = new OnnxValue(
                tensor((long[])[.. zero.Zip(slope, (start, each) => start + (each * input.size(0)))], shape)
            );
        foreach (Step step in _steps)
        {
            Tensor[] made = OnnxGraph.Run(
                step.Node,
                step.Kernel,
                Array.ConvertAll(step.Inputs, slot => slot < 0 ? null : values[slot])
            );
            look?.Invoke(step, made);
            for (int i = 0; i < step.Outputs.Length && i < made.Length; i++)
            {
                OnnxGuard.Count(made[i].numel());
                values[step.Outputs[i]] = new OnnxValue(made[i]);
            }

            foreach (int slot in step.Dead)
            {
                OnnxGuard.Count(-(values[slot]?.Tensor.numel() ?? 0));
                values[slot]?.Tensor.Dispose();
            }
        }

        OnnxGuard.Count(-values[_output]!.Tensor.numel());

        return scope.MoveToOuter(values[_output]!.Tensor.view_as(values[_output]!.Tensor));
    }

    // Values that depend on shapes only, not on pixels.
    private HashSet<string> FromShapes()
    {
        var shapes = new HashSet<string>();
        foreach (var (node, _) in _graph.Nodes)
        {
            if (
                node.Operator is "Shape" or "Size"
                || node.Inputs.All(name =>
                    name.Length == 0 || shapes.Contains(name) || _graph.Constants.ContainsKey(name)
                )
            )
                shapes.UnionWith(node.Outputs);
        }

        return shapes;
    }

    private OnnxValue[] Try(long[] shape, ScalarType type, string[] wanted)
    {
        OnnxGuard.Claim(shape);
        OnnxGuard.Count(OnnxShapes.Product(shape));
        using var scope = NewDisposeScope();
        var values = new Dictionary<string, OnnxValue>(_graph.Constants)
        {
            [_graph.Input] = new OnnxValue(zeros(shape, type)),
        };
        var left = _graph
            .Nodes.SelectMany(step => step.Node.Inputs)
            .Concat(wanted)
            .Append(_graph.Output)
            .GroupBy(name => name)
            .ToDictionary(group => group.Key, group => group.Count());
        foreach (var (node, kernel) in _graph.Nodes)
        {
            Tensor[] made = OnnxGraph.Run(
                node,
                kernel,
                [.. node.Inputs.Select(name => name.Length == 0 ? null : values[name])]
            );
            if (OnnxStraightThrough.Rounds(node) && values[node.Inputs[0]].Tensor.is_floating_point())
                _rounding.Add(node);
            if (node.Outputs.Skip(made.Length).FirstOrDefault(left.ContainsKey) is { } absent)
                throw node.Refused($"does not give \"{absent}\" here, which is needed");
            for (int i = 0; i < Math.Min(made.Length, node.Outputs.Length); i++)
            {
                OnnxGuard.Count(made[i].numel());
                values[node.Outputs[i]] = new OnnxValue(made[i]);
            }

            foreach (
                string name in node.Inputs.Where(name =>
                    name.Length > 0 && --left[name] == 0 && !_graph.Constants.ContainsKey(name)
                )
            )
            {
                OnnxGuard.Count(-values[name].Tensor.numel());
                values[name].Tensor.Dispose();
            }
        }

        OutputShape = values[_graph.Output].Tensor.shape;
        foreach (string name in wanted)
            scope.MoveToOuter(values[name].Tensor);
        return [.. wanted.Select(name => values[name])];
    }

    private void Schedule(HashSet<string> known)
    {
        // Go backward from the output: nodes whose values are known are not needed.
        var needed = new HashSet<string> { _graph.Output };
        var steps = new List<(OnnxNode Node, OnnxKernel Kernel)>();
        for (int i = _graph.Nodes.Count - 1; i >= 0; i--)
        {
            OnnxNode node = _graph.Nodes[i].Node;
            if (!node.Outputs.Any(name => needed.Contains(name) && !known.Contains(name)))
                continue;
            steps.Add(_graph.Nodes[i]);
            needed.UnionWith(node.Inputs);
        }

        steps.Reverse();
        var last = new Dictionary<string, int>();
        for (int i = 0; i < steps.Count; i++)
        {
            foreach (string name in steps[i].Node.Inputs.Concat(steps[i].Node.Outputs))
                last[name] = i;
        }

        for (int i = 0; i < steps.Count; i++)
        {
            OnnxNode node = steps[i].Node;
            string[] dead =
            [
                .. node
                    .Inputs.Concat(node.Outputs)
                    .Distinct()
                    .Where(name =>
                        name.Length > 0
                        && last[name] == i
                        && name != _graph.Output
                        && name != _graph.Input
                        && !known.Contains(name)
                        && !_graph.Constants.ContainsKey(name)
                    ),
            ];
            string[] made = [.. node.Outputs.Select((name, at) => name.Length > 0 ? name : $"{node.Outputs[0]} {at}")];
            _steps.Add(
                new Step(
                    node,
                    steps[i].Kernel,
                    Array.ConvertAll(node.Inputs, name => name.Length == 0 ? -1 : SlotOf(name)),
                    Array.ConvertAll(made, SlotOf),
                    Array.ConvertAll(dead, SlotOf)
                )
            );
        }
    }

    private int SlotOf(string name) => _slots.TryGetValue(name, out int slot) ? slot : _slots[name] = _slots.Count;

    private static bool Same(Tensor first, Tensor second) =>
        first.dtype == second.dtype
        && first.shape.SequenceEqual(second.shape)
        && (first.numel() == 0 || first.eq(second).all().Item() == 1);

    private sealed record Step(OnnxNode Node, OnnxKernel Kernel, int[] Inputs, int[] Outputs, int[] Dead);
}
