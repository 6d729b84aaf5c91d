using Parry.Torch.Interop;

namespace Parry.Torch;

/// <summary>Differentiation: gradients, and the mode in which operators are not recorded.</summary>
public static unsafe class Autograd
{
    [ThreadStatic]
    private static bool t_disabled;

    /// <summary>Whether operators called on this thread are recorded when an argument requires gradients.</summary>
    public static bool Enabled => !t_disabled;

    /// <summary>Until it is disposed, operators called on this thread are not recorded.</summary>
    public static GradMode NoGrad() => new(disabled: true);

    /// <summary>Until it is disposed, operators called on this thread are recorded, also inside a <see cref="NoGrad"/>.</summary>
    public static GradMode WithGrad() => new(disabled: false);

    /// <summary>The gradient of one output with respect to one input.</summary>
    /// <param name="output">A scalar, or any tensor when <paramref name="weights"/> is given.</param>
    /// <param name="input">A tensor that requires gradients and took part in the output.</param>
    /// <param name="weights">Of the output's shape: the result is the gradient of sum(output * weights).</param>
    /// <param name="createGraph">Whether the gradient itself can be differentiated.</param>
    /// <exception cref="TorchException">The output does not depend on the input, or LibTorch refused.</exception>
    public static Tensor Grad(Tensor output, Tensor input, Tensor? weights = null, bool createGraph = false) =>
        Grad([output], [input], weights is null ? null : [weights], createGraph)[0]
            ?? throw new TorchException(ErrorKind.Torch, $"The output {output.Describe()} does not depend on the input {input.Describe()}.");

    /// <summary>The gradients of sum(outputs * weights) with respect to inputs; null for an input that had no part.</summary>
    /// <param name="outputs">Scalars, or any tensors when <paramref name="weights"/> is given.</param>
    /// <param name="inputs">Tensors that require gradients.</param>
    /// <param name="weights">One per output, of its shape; null means one for scalars.</param>
    /// <param name="createGraph">Whether the gradients themselves can be differentiated.</param>
    /// <param name="retainGraph">Whether the outputs can be differentiated again.</param>
    /// <exception cref="TorchException">LibTorch refused.</exception>
    public static Tensor?[] Grad(Tensor[] outputs, Tensor[] inputs, Tensor[]? weights = null, bool createGraph = false, bool retainGraph = false)
    {
        if (weights is not null && weights.Length != outputs.Length)
            throw new ArgumentException($"{weights.Length} weights for {outputs.Length} outputs: give one for each.", nameof(weights));
        nint* of = stackalloc nint[outputs.Length];
        nint* by = stackalloc nint[inputs.Length];
        nint* weighted = stackalloc nint[outputs.Length];
        nint* gradients = stackalloc nint[inputs.Length];
        for (int i = 0; i < outputs.Length; i++) of[i] = Pointer(outputs[i]);
        for (int i = 0; i < inputs.Length; i++) by[i] = Pointer(inputs[i]);
        for (int i = 0; i < weights?.Length; i++) weighted[i] = Pointer(weights[i]);
        NativeError error = default;
        int kind = NativeMethods.parry_grad(of, outputs.Length, by, inputs.Length, weights is null ? null : weighted,
            retainGraph || createGraph ? 1 : 0, createGraph ? 1 : 0, gradients, &error);
        GC.KeepAlive(outputs);
        GC.KeepAlive(inputs);
        GC.KeepAlive(weights);
        Loader.Check(kind, error, $"differentiate {string.Join(", ", outputs.Select(o => o.Describe()))}");
        var result = new Tensor?[inputs.Length];
        for (int i = 0; i < result.Length; i++) result[i] = gradients[i] == 0 ? null : new Tensor(gradients[i]);
        return result;
    }

    private static nint Pointer(Tensor tensor)
    {
        ObjectDisposedException.ThrowIf(tensor.Handle.IsClosed, tensor);
        return tensor.Handle.DangerousGetHandle();
    }

    /// <summary>Restores the mode of this thread when disposed.</summary>
    public readonly ref struct GradMode : IDisposable
    {
        private readonly bool _before;

        internal GradMode(bool disabled)
        {
            _before = t_disabled;
            t_disabled = disabled;
        }

        /// <summary>Restores the mode that was.</summary>
        public void Dispose() => t_disabled = _before;
    }
}
