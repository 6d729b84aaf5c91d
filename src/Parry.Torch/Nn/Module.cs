namespace Parry.Torch.Nn;

/// <summary>
/// A network or a layer: named parameters and buffers, children, and a forward pass. It is created in evaluation mode with
/// frozen parameters; whoever trains it says so. In evaluation mode it is read-only and safe to use from several threads.
/// </summary>
public abstract class Module : IDisposable
{
    private readonly List<KeyValuePair<string, Tensor>> _parameters = [];
    private readonly List<KeyValuePair<string, Tensor>> _buffers = [];
    private readonly List<KeyValuePair<string, Module>> _children = [];

    /// <summary>Where random draws come from in training mode; null in evaluation mode.</summary>
    protected Generator? Random { get; private set; }

    /// <summary>Whether it behaves as in training: dropout drops, batch normalization uses and updates batch statistics.</summary>
    public bool Training => Random is not null;

    /// <summary>The children in the order they were added, each with its own name.</summary>
    public IReadOnlyList<KeyValuePair<string, Module>> Children => _children;

    /// <summary>What an optimizer changes, named by the path of children that leads to each, as in <c>features.0.weight</c>.</summary>
    public IEnumerable<KeyValuePair<string, Tensor>> Parameters => Collect(module => module._parameters);

    /// <summary>What belongs to the weights without being optimized, such as running statistics.</summary>
    public IEnumerable<KeyValuePair<string, Tensor>> Buffers => Collect(module => module._buffers);

    /// <summary>Parameters and buffers: all that a weight file holds.</summary>
    public IEnumerable<KeyValuePair<string, Tensor>> State => Parameters.Concat(Buffers);

    /// <summary>The number of parameters, counted as elements.</summary>
    public long ParameterCount => Parameters.Sum(parameter => parameter.Value.Elements);

    /// <summary>The network's output for a batch.</summary>
    public abstract Tensor Forward(Tensor input);

    /// <summary>Puts it and its children into training mode, with draws from this generator.</summary>
    public void Train(Generator random) => SetRandom(random);

    /// <summary>Puts it and its children into evaluation mode.</summary>
    public void Evaluate() => SetRandom(null);

    /// <summary>Puts it and its children into evaluation mode until the result is disposed, which gives each the mode it had.</summary>
    /// <returns>Null when it is in evaluation mode throughout.</returns>
    public IDisposable? EnterEvaluation()
    {
        Module[] training = [.. WithDescendants().Where(module => module.Training)];
        if (training.Length == 0) return null;
        var before = new Restore([.. training.Select(module => (module, module.Random!))]);
        foreach (Module module in training) module.Random = null;
        return before;
    }

    /// <summary>Lets autograd follow the parameters, or freezes them.</summary>
    public void RequireGrad(bool required = true)
    {
        foreach (var parameter in Parameters) parameter.Value.RequireGrad(required);
    }

    /// <summary>Converts parameters and buffers to another element type, as float64 for gradient checks.</summary>
    public void To(DType type) => Replace(tensor => tensor.To(type));

    /// <summary>Moves parameters and buffers to another device.</summary>
    public void To(Device device) => Replace(tensor => tensor.To(device));

    /// <summary>Takes over parameters and buffers by name.</summary>
    /// <exception cref="InvalidDataException">A name is missing or left over, or a shape differs; the message names it.</exception>
    public void Load(IReadOnlyDictionary<string, Tensor> state)
    {
        var own = State.ToDictionary();
        foreach (var (name, tensor) in own)
        {
            if (!state.TryGetValue(name, out Tensor? given))
                throw new InvalidDataException($"The weights lack '{name}' {tensor.Describe()}; they are of another architecture.");
            if (!given.Shape.AsSpan().SequenceEqual(tensor.Shape))
                throw new InvalidDataException($"The weight '{name}' is {given.Describe()} where {tensor.Describe()} was expected; it is of another architecture.");
        }

        string? unknown = state.Keys.FirstOrDefault(name => !own.ContainsKey(name));
        if (unknown is not null) throw new InvalidDataException($"The weights hold '{unknown}', which this architecture does not have.");
        using var frozen = Autograd.NoGrad();
        foreach (var (name, tensor) in own) tensor.CopyInPlace(state[name]);
    }

    /// <summary>Frees parameters and buffers.</summary>
    public void Dispose()
    {
        foreach (var entry in State) entry.Value.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Adds a child under a name and returns it.</summary>
    protected T Child<T>(string name, T child) where T : Module
    {
        _children.Add(new(name, child));
        return child;
    }

    /// <summary>Adds a parameter under a name and returns it; the module owns it from now on.</summary>
    protected Tensor Parameter(string name, Tensor initial) => Add(_parameters, name, initial);

    /// <summary>Adds a buffer under a name and returns it; the module owns it from now on.</summary>
    protected Tensor Buffer(string name, Tensor initial) => Add(_buffers, name, initial);

    private void Replace(Func<Tensor, Tensor> conversion)
    {
        using var frozen = Autograd.NoGrad();
        using var scope = new TensorScope();
        foreach (var entry in State) entry.Value.Become(conversion(entry.Value));
    }

    private static Tensor Add(List<KeyValuePair<string, Tensor>> to, string name, Tensor tensor)
    {
        to.Add(new(name, tensor.Own()));
        return tensor;
    }

    private IEnumerable<KeyValuePair<string, Tensor>> Collect(Func<Module, List<KeyValuePair<string, Tensor>>> of)
    {
        foreach (var entry in of(this)) yield return entry;
        foreach (var (name, child) in _children)
        {
            foreach (var (inner, tensor) in child.Collect(of)) yield return new($"{name}.{inner}", tensor);
        }
    }

    private IEnumerable<Module> WithDescendants() => _children.SelectMany(child => child.Value.WithDescendants()).Prepend(this);

    private void SetRandom(Generator? random)
    {
        Random = random;
        foreach (var child in _children) child.Value.SetRandom(random);
    }

    private sealed class Restore(List<(Module Module, Generator Random)> modules) : IDisposable
    {
        public void Dispose()
        {
            foreach (var (module, random) in modules) module.Random = random;
        }
    }
}
