namespace Parry.Torch.Optim;

/// <summary>RMSProp (Tieleman and Hinton, 2012) in PyTorch's form: epsilon is added to the root.</summary>
public sealed class RmsProp(IEnumerable<Tensor> parameters, double learningRate = 1e-2, double alpha = 0.99, double epsilon = 1e-8)
    : Optimizer(parameters, learningRate, "square")
{
    /// <inheritdoc/>
    protected override void Update(int index, Tensor parameter, Tensor gradient)
    {
        Tensor square = Running("square", index).MulInPlace(alpha).AddProductInPlace(gradient, gradient, 1 - alpha);
        parameter.AddQuotientInPlace(gradient, square.Sqrt().AddInPlace(epsilon), -LearningRate);
    }
}
