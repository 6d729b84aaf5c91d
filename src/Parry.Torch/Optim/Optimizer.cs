namespace Parry.Torch.Optim;

/// <summary>
/// Changes parameters in place along their gradients. Its state (momenta, step count) is named tensors, so a checkpoint
/// restores it exactly.
/// </summary>
public abstract class Optimizer : IDisposable
{
    private const string StepsKey = "steps";

    private readonly Tensor[] _parameters;
    private readonly Dictionary<string, Tensor> _state = [];

    /// <summary>Creates an optimizer of these parameters.</summary>
    /// <param name="parameters">What it changes.</param>
    /// <param name="learningRate">The step size.</param>
    /// <param name="running">Names of the quantities it keeps for each parameter; zeros at first.</param>
    protected Optimizer(IEnumerable<Tensor> parameters, double learningRate, params ReadOnlySpan<string> running)
    {
        _parameters = [.. parameters];
        LearningRate = learningRate;
        _state[StepsKey] = Tensor.Zeros([], DType.Int64).Own();
        using var frozen = Autograd.NoGrad();
        foreach (string name in running)
        {
            for (int i = 0; i < _parameters.Length; i++) _state[Key(name, i)] = _parameters[i].ZerosLike().Own();
        }
    }

    /// <summary>The step size; may change between steps.</summary>
    public double LearningRate { get; set; }

    /// <summary>How many steps have been taken.</summary>
    public long Steps { get; private set; }

    /// <summary>Momenta and the step count, by name. The tensors are its own: copy what must outlive the next step.</summary>
    public IReadOnlyDictionary<string, Tensor> State
    {
        get
        {
            using Tensor steps = Tensor.Full([], Steps, DType.Int64);
            _state[StepsKey].CopyInPlace(steps);
            return _state;
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

    /// <summary>Continues from another optimizer's state, which is copied.</summary>
    /// <exception cref="InvalidDataException">The state is not one of this kind of optimizer over these parameters.</exception>
    public void Restore(IReadOnlyDictionary<string, Tensor> state)
    {
        foreach (var (name, own) in _state)
        {
            if (!state.TryGetValue(name, out Tensor? given) || !given.Shape.AsSpan().SequenceEqual(own.Shape))
                throw new InvalidDataException($"The optimizer's state holds {given?.Describe() ?? "nothing"} as '{name}' where {own.Describe()} was expected.");
        }

        string? unknown = state.Keys.FirstOrDefault(name => !_state.ContainsKey(name));
        if (unknown is not null) throw new InvalidDataException($"The optimizer's state holds '{unknown}', which this optimizer does not keep.");
        using var frozen = Autograd.NoGrad();
        foreach (var (name, own) in _state) own.CopyInPlace(state[name]);
        Steps = _state[StepsKey].ToArray<long>()[0];
    }

    /// <summary>Frees the state.</summary>
    public void Dispose()
    {
        foreach (Tensor tensor in _state.Values) tensor.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Changes one parameter; what it makes on the way is freed after the step.</summary>
    protected abstract void Update(int index, Tensor parameter, Tensor gradient);

    /// <summary>A running quantity of the parameter of that index.</summary>
    protected Tensor Running(string name, int index) => _state[Key(name, index)];

    private static string Key(string name, int index) => $"{name}.{index}";
}
