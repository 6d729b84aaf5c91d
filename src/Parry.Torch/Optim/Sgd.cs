namespace Parry.Torch.Optim;

/// <summary>
/// Stochastic gradient descent with momentum in PyTorch's form: velocity = momentum · velocity + gradient, then the
/// parameter moves by -rate · velocity. A changed rate therefore acts on past gradients too.
/// </summary>
/// <param name="parameters">What it changes.</param>
/// <param name="learningRate">The step size.</param>
/// <param name="momentum">The part of the velocity that stays.</param>
/// <param name="nesterov">Whether to move by gradient + momentum · velocity instead.</param>
/// <param name="weightDecay">Times the parameter, added to the gradient.</param>
public sealed class Sgd(IEnumerable<Tensor> parameters, double learningRate, double momentum = 0, bool nesterov = false, double weightDecay = 0)
    : Optimizer(parameters, learningRate, momentum == 0 ? [] : ["velocity"])
{
    /// <inheritdoc/>
    protected override void Update(int index, Tensor parameter, Tensor gradient)
    {
        if (weightDecay != 0) gradient = gradient.Add(parameter.Mul(weightDecay));
        if (momentum != 0)
        {
            Tensor velocity = Running("velocity", index).MulInPlace(momentum).AddInPlace(gradient);
            gradient = nesterov ? gradient.Add(velocity.Mul(momentum)) : velocity;
        }

        parameter.AddInPlace(gradient, -LearningRate);
    }
}
