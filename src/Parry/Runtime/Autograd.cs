using System.Runtime.InteropServices;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Parry.Runtime;

/// <summary>
/// The one place where Parry differentiates. It uses <c>autograd.backward</c> with given inputs, which reports errors
/// as exceptions; <c>autograd.grad</c> would end the process.
/// </summary>
public static class Autograd
{
    private static readonly Lock s_parameters = new();

    /// <summary>Computes the gradient of one output with respect to one input.</summary>
    /// <param name="output">A scalar, or any tensor when <paramref name="weights"/> is given.</param>
    /// <param name="input">A tensor that requires gradients and that the output depends on.</param>
    /// <param name="weights">Weights of the output's shape; the result is the gradient of sum(output *
    /// weights).</param>
    /// <param name="createGraph">Whether the gradient itself can be differentiated.</param>
    /// <param name="retainGraph">Whether the output can be differentiated again.</param>
    /// <exception cref="TorchException">The output does not depend on the input, or LibTorch reported an
    /// error.</exception>
    public static Tensor Grad(
        Tensor output,
        Tensor input,
        Tensor? weights = null,
        bool createGraph = false,
        bool retainGraph = false
    ) =>
        Grad([output], [input], weights is null ? null : [weights], createGraph, retainGraph)[0]
        ?? throw new TorchException($"The output {output.Describe()} does not depend on the input {input.Describe()}.");

    /// <summary>
    /// The gradients of sum(outputs * weights) with respect to inputs; null for an input that the outputs do not depend
    /// on.
    /// </summary>
    /// <param name="outputs">Scalars, or any tensors when <paramref name="weights"/> is given.</param>
    /// <param name="inputs">Tensors that require gradients; except for parameters of a network, no other thread may
    /// differentiate with respect to them at the same time.</param>
    /// <param name="weights">One tensor for each output, of its shape; null means 1 for scalars.</param>
    /// <param name="createGraph">Whether the gradients themselves can be differentiated.</param>
    /// <param name="retainGraph">Whether the outputs can be differentiated again.</param>
    /// <exception cref="TorchException">LibTorch reported an error.</exception>
    public static Tensor?[] Grad(
        Tensor[] outputs,
        Tensor[] inputs,
        Tensor[]? weights = null,
        bool createGraph = false,
        bool retainGraph = false
    )
    {
        if (weights is not null && weights.Length != outputs.Length)
        {
            throw new ArgumentException(
                $"Expected one weight for each of {outputs.Length} outputs, got {weights.Length}.",
                nameof(weights)
            );
        }

        // LibTorch stores gradients in the inputs themselves, and the workers that train a network share its
        // parameters.
        if (!inputs.Any(input => input is Parameter))
            return Backward(outputs, inputs, weights, createGraph, retainGraph);
        lock (s_parameters)
            return Backward(outputs, inputs, weights, createGraph, retainGraph);
    }

    private static Tensor?[] Backward(
        Tensor[] outputs,
        Tensor[] inputs,
        Tensor[]? weights,
        bool createGraph,
        bool retainGraph
    )
    {
        foreach (Tensor input in inputs)
            input.grad = null;
        try
        {
            autograd.backward(outputs, weights, retainGraph || createGraph, createGraph, inputs);
        }
        catch (ExternalException e)
        {
            throw new TorchException(
                $"Cannot differentiate {string.Join(", ", outputs.Select(o => o.Describe()))}: "
                    + $"{TorchErrors.FirstLine(e)}",
                e
            );
        }

        var gradients = new Tensor?[inputs.Length];
        for (int i = 0; i < inputs.Length; i++)
        {
            gradients[i] = inputs[i].grad;
            inputs[i].grad = null;
        }

        return gradients;
    }
}
