using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Models.Architectures;

/// <summary>Weights and modes of a network.</summary>
public static class NetworkState
{
    /// <summary>
    /// The parameters, which an optimizer changes, named by their path of children, such as <c>features.0.weight</c>.
    /// </summary>
    public static IEnumerable<KeyValuePair<string, Tensor>> Parameters(this nn.Module network) =>
        network.named_parameters().Select(named => new KeyValuePair<string, Tensor>(named.name, named.parameter));

    /// <summary>The buffers: state that is not optimized, such as running statistics.</summary>
    public static IEnumerable<KeyValuePair<string, Tensor>> Buffers(this nn.Module network) =>
        network
            .named_buffers()
            .Where(named => !named.name.EndsWith("num_batches_tracked", StringComparison.Ordinal))
            .Select(named => new KeyValuePair<string, Tensor>(named.name, named.buffer));

    /// <summary>The parameters and buffers: everything that a weight file contains.</summary>
    public static IEnumerable<KeyValuePair<string, Tensor>> State(this nn.Module network) =>
        network.Parameters().Concat(network.Buffers());

    /// <summary>Counts the parameters' elements.</summary>
    public static long ParameterCount(this nn.Module network) =>
        network.Parameters().Sum(parameter => parameter.Value.numel());

    /// <summary>Makes the parameters require gradients, or freezes them.</summary>
    public static void RequireGrad(this nn.Module network, bool required = true)
    {
        foreach (var parameter in network.parameters())
            parameter.requires_grad = required;
    }

    /// <summary>Copies parameters and buffers by name.</summary>
    /// <exception cref="InvalidDataException">A name is missing or unknown, or a shape differs; the message names
    /// it.</exception>
    public static void LoadState(this nn.Module network, IReadOnlyDictionary<string, Tensor> state)
    {
        var own = network.State().ToDictionary();
        foreach (var (name, tensor) in own)
        {
            if (!state.TryGetValue(name, out Tensor? given))
            {
                throw new InvalidDataException(
                    $"The weights have no '{name}' {tensor.Describe()}; they belong to another architecture."
                );
            }

            if (!given.shape.AsSpan().SequenceEqual(tensor.shape))
            {
                throw new InvalidDataException(
                    $"The weight '{name}' is {given.Describe()}; expected {tensor.Describe()}; it belongs "
                        + "to another architecture."
                );
            }
        }

        string? unknown = state.Keys.FirstOrDefault(name => !own.ContainsKey(name));
        if (unknown is not null)
            throw new InvalidDataException($"The weights hold '{unknown}', which this architecture does not have.");
        using var frozen = no_grad();
        foreach (var (name, tensor) in own)
            tensor.copy_(state[name]);
    }

    /// <summary>The tensors under a path, such as <c>optimizer.</c>, by the rest of their names.</summary>
    public static IReadOnlyDictionary<string, Tensor> Under(
        this IReadOnlyDictionary<string, Tensor> state,
        string prefix
    ) =>
        state
            .Where(entry => entry.Key.StartsWith(prefix, StringComparison.Ordinal))
            .ToDictionary(entry => entry.Key[prefix.Length..], entry => entry.Value);

    /// <summary>A copy of one tensor, which the caller owns.</summary>
    /// <exception cref="InvalidDataException">There is none of that name.</exception>
    public static Tensor Copy(this IReadOnlyDictionary<string, Tensor> state, string name) =>
        state.TryGetValue(name, out Tensor? tensor)
            ? tensor.clone().DetachFromDisposeScope()
            : throw new InvalidDataException($"It holds no '{name}'.");

    /// <summary>Puts a network and its children into training mode, with draws from this generator.</summary>
    public static void Train(this nn.Module network, Generator random)
    {
        network.train();
        SetRandom(network, random);
    }

    /// <summary>Puts a network and its children into evaluation mode.</summary>
    public static void Evaluate(this nn.Module network)
    {
        network.eval();
        SetRandom(network, null);
    }

    /// <summary>
    /// Puts a network and its children into evaluation mode until the result is disposed, which restores the mode of
    /// each.
    /// </summary>
    /// <returns>Null if all are in evaluation mode already.</returns>
    public static IDisposable? EnterEvaluation(this nn.Module network)
    {
        nn.Module[] modules = [.. WithDescendants(network)];
        if (!Array.Exists(modules, module => module.training))
            return null;
        var before = new Restore([
            .. modules.Select(module => (module, module.training, (module as IDrawsInTraining)?.Random)),
        ]);
        network.Evaluate();
        return before;
    }

    private static IEnumerable<nn.Module> WithDescendants(nn.Module network) => network.modules().Prepend(network);

    private static void SetRandom(nn.Module network, Generator? random)
    {
        foreach (IDrawsInTraining module in WithDescendants(network).OfType<IDrawsInTraining>())
            module.Random = random;
    }

    private sealed class Restore(List<(nn.Module Module, bool Training, Generator? Random)> modules) : IDisposable
    {
        public void Dispose()
        {
            // Outermost first: a module sets the mode of its children too, which then get their own back.
            foreach (var (module, training, random) in modules)
            {
                module.train(training);
                if (module is IDrawsInTraining draws)
                    draws.Random = random;
            }
        }
    }
}
