namespace Parry.Torch.Optim;

/// <summary>
/// Changes parameters in place along their gradients. Its state (momenta, step count) is named tensors, so a checkpoint
/// restores it exactly.
/// </summary>
public abstract class Optimizer : IDisposable
{
    private readonly Tensor[] _parameters;
    private readonly Dictionary<string, Tensor> _state = [];

    /// <summary>Creates an optimizer of these parameters.</summary>
    protected Optimizer(IEnumerable<Tensor> parameters, double learningRate)
    {
        _parameters = [.. parameters];
        LearningRate = learningRate;
    }

    /// <summary>The step size; may change between steps.</summary>
    public double LearningRate { get; set; }

    /// <summary>How many steps have been taken.</summary>
    public long Steps { get; private set; }

    /// <summary>Momenta and the step count, by name; hand copies of them to <see cref="Restore"/> to continue exactly.</summary>
    public IReadOnlyDictionary<string, Tensor> State
    {
        get
        {
            var state = new Dictionary<string, Tensor>(_state) { ["steps"] = Tensor.From([Steps]) };
            return state;
        }
    }

    /// <summary>Takes one step.</summary>
    /// <param name="gradients">One per parameter, in the parameters' order; null leaves a parameter as it is.</param>
    public void Step(params ReadOnlySpan<Tensor?> gradients)
    {
        if (gradients.Length != _parameters.Length)
            throw new ArgumentException($"{gradients.Length} gradients for {_parameters.Length} parameters.");
        Steps++;
        using var frozen = Autograd.NoGrad();
        using var scope = new TensorScope();
        for (int i = 0; i < _parameters.Length; i++)
        {
            if (gradients[i] is { } gradient) Update(i, _parameters[i], gradient);
        }
    }

    /// <summary>Continues from another optimizer's state.</summary>
    /// <exception cref="InvalidDataException">The state is not one of this kind of optimizer over these parameters.</exception>
    public void Restore(IReadOnlyDictionary<string, Tensor> state)
    {
        if (!state.TryGetValue("steps", out Tensor? steps)) throw new InvalidDataException("The optimizer's state lacks 'steps'.");
        Steps = steps.ToArray<long>()[0];
        foreach (var (name, tensor) in state)
        {
            if (name == "steps") continue;
            if (_state.Remove(name, out Tensor? old)) old.Dispose();
            _state[name] = tensor.Clone().Own();
        }
    }

    /// <summary>Frees the state.</summary>
    public void Dispose()
    {
        foreach (Tensor tensor in _state.Values) tensor.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Changes one parameter.</summary>
    protected abstract void Update(int index, Tensor parameter, Tensor gradient);

    /// <summary>The named running quantity of a parameter; zeros at first.</summary>
    protected Tensor Running(string name, int index, Tensor like)
    {
        string key = $"{name}.{index}";
        if (!_state.TryGetValue(key, out Tensor? running)) _state[key] = running = like.ZerosLike().Own();
        return running;
    }
}
