using Parry.Runtime;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Parry.Models.Training;

/// <summary>
/// TorchSharp's optimizers with gradients as arguments (workers sum theirs first), and with a state of named tensors,
/// from which a checkpoint resumes bit for bit.
/// </summary>
public static class Optimizers
{
    private const string StepsKey = "steps";

    /// <summary>Adam (Kingma and Ba, 2014, 1412.6980) on tensors, which it changes in place.</summary>
    public static optim.Optimizer Adam(
        IEnumerable<Tensor> parameters,
        double learningRate = 1e-3,
        double beta1 = 0.9,
        double beta2 = 0.999,
        double epsilon = 1e-8,
        double weightDecay = 0
    ) => optim.Adam(Parameters(parameters), learningRate, beta1, beta2, epsilon, weightDecay);

    /// <summary>RMSProp (Tieleman and Hinton, 2012) on tensors, which it changes in place.</summary>
    public static optim.Optimizer RmsProp(
        IEnumerable<Tensor> parameters,
        double learningRate = 1e-2,
        double alpha = 0.99,
        double epsilon = 1e-8
    ) => optim.RMSProp(Parameters(parameters), learningRate, alpha, epsilon);

    /// <summary>
    /// Stochastic gradient descent on tensors, which it changes in place: v ← momentum · v + g + decay · w, then
    /// w ← w - rate · v, as in PyTorch.
    /// </summary>
    /// <param name="parameters">The tensors.</param>
    /// <param name="learningRate">The step size.</param>
    /// <param name="momentum">The share of the last step that the next one keeps, in [0, 1).</param>
    /// <param name="weightDecay">The weight of the tensors themselves in their gradients, 0 or more.</param>
    public static optim.Optimizer Sgd(
        IEnumerable<Tensor> parameters,
        double learningRate,
        double momentum = 0.9,
        double weightDecay = 0
    )
    {
        SGD optimizer = optim.SGD(Parameters(parameters), learningRate, momentum, weight_decay: weightDecay);
        if (momentum == 0)
            return optimizer;

        // TorchSharp makes them at the first step; zeros give the same step, and a checkpoint restores them.
        foreach (var (state, parameter) in States(optimizer).Zip(optimizer.parameters()))
            ((SGD.State)state).momentum_buffer = zeros_like(parameter).DetachFromDisposeScope();
        return optimizer;
    }

    /// <summary>Takes one step.</summary>
    /// <param name="optimizer">The optimizer.</param>
    /// <param name="gradients">One for each parameter, in order; null leaves a parameter unchanged.</param>
    public static void Step(this optim.Optimizer optimizer, params ReadOnlySpan<Tensor?> gradients)
    {
        Parameter[] parameters = [.. optimizer.parameters()];
        if (gradients.Length != parameters.Length)
            throw new ArgumentException($"{gradients.Length} gradients for {parameters.Length} parameters.");
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        for (int i = 0; i < parameters.Length; i++)
            parameters[i].grad = gradients[i];
        optimizer.step();
        for (int i = 0; i < parameters.Length; i++)
            parameters[i].grad = null;
    }

    /// <summary>Changes the step size.</summary>
    public static void SetLearningRate(this optim.Optimizer optimizer, double learningRate)
    {
        foreach (optim.ILearningRateController group in optimizer.ParamGroups)
            group.LearningRate = learningRate;
    }

    /// <summary>
    /// The number of steps taken, which SGD does not count; a parameter without a gradient takes none.
    /// </summary>
    public static long Steps(this optim.Optimizer optimizer) => States(optimizer).Max(StepsOf);

    /// <summary>
    /// Momenta and the step count of each parameter, by name. The optimizer owns the momenta: copy what must outlive
    /// the next step.
    /// </summary>
    public static IReadOnlyDictionary<string, Tensor> State(this optim.Optimizer optimizer)
    {
        OptimizerState[] states = States(optimizer);
        var named = new Dictionary<string, Tensor> { [StepsKey] = tensor(Array.ConvertAll(states, StepsOf)) };
        for (int i = 0; i < states.Length; i++)
        {
            foreach (var (name, value) in Running(states[i]))
                named[$"{name}.{i}"] = value;
        }

        return named;
    }

    /// <summary>Restores the state of another optimizer, which is copied.</summary>
    /// <exception cref="InvalidDataException">The state is not that of this kind of optimizer with these
    /// parameters.</exception>
    public static void Restore(this optim.Optimizer optimizer, IReadOnlyDictionary<string, Tensor> state)
    {
        IReadOnlyDictionary<string, Tensor> own = optimizer.State();
        foreach (var (name, expected) in own)
        {
            if (
                !state.TryGetValue(name, out Tensor? given)
                || !given.shape.AsSpan().SequenceEqual(expected.shape)
                || given.dtype != expected.dtype
            )
            {
                throw new InvalidDataException(
                    $"The optimizer's state holds {given?.Describe() ?? "nothing"} as '{name}' where "
                        + $"{expected.Describe()} was expected."
                );
            }
        }

        string? unknown = state.Keys.FirstOrDefault(name => !own.ContainsKey(name));
        if (unknown is not null)
            throw new InvalidDataException(
                $"The optimizer's state holds '{unknown}', which this optimizer does not keep."
            );
        using var frozen = no_grad();
        foreach (var (name, tensor) in own)
        {
            if (name != StepsKey)
                tensor.copy_(state[name]);
        }

        long[] steps = state[StepsKey].ToArray<long>();
        foreach (var (one, count) in States(optimizer).Zip(steps))
            SetSteps(one, count);
    }

    // Makes a parameter that shares the tensor's memory; tensors of a network already are parameters.
    private static Parameter[] Parameters(IEnumerable<Tensor> tensors) =>
        [.. tensors.Select(tensor => tensor as Parameter ?? Owned(tensor))];

    private static Parameter Owned(Tensor tensor)
    {
        var parameter = new Parameter(tensor.detach(), requires_grad: false);
        LiveTensors.BecameParameters(1);
        return parameter;
    }

    private static OptimizerState[] States(optim.Optimizer optimizer) =>
        [.. ((OptimizerHelper)optimizer).state_dict().State];

    private static (string Name, Tensor Value)[] Running(OptimizerState state) =>
        state switch
        {
            Adam.State adam => [("first", adam.exp_avg), ("second", adam.exp_avg_sq)],
            RMSProp.State rms => [("square", rms.square_avg)],
            SGD.State { momentum_buffer: { } momentum } => [("momentum", momentum)],
            SGD.State => [],
            _ => throw new NotSupportedException($"The state of {state.GetType().DeclaringType?.Name} is not kept."),
        };

    private static long StepsOf(OptimizerState state) =>
        state switch
        {
            Adam.State adam => adam.step,
            RMSProp.State rms => rms.step,
            _ => 0,
        };

    private static void SetSteps(OptimizerState state, long steps)
    {
        if (state is Adam.State adam)
            adam.step = steps;
        else if (state is RMSProp.State rms)
            rms.step = steps;
    }
}
