namespace Parry.Torch.Optim;

/// <summary>Adam (Kingma and Ba, 2014, 1412.6980), with bias correction.</summary>
public sealed class Adam(IEnumerable<Tensor> parameters, double learningRate = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8)
    : Optimizer(parameters, learningRate, "first", "second")
{
    /// <inheritdoc/>
    protected override void Update(int index, Tensor parameter, Tensor gradient)
    {
        Tensor first = Running("first", index).MulInPlace(beta1).AddInPlace(gradient, 1 - beta1);
        Tensor second = Running("second", index).MulInPlace(beta2).AddProductInPlace(gradient, gradient, 1 - beta2);
        double correction = Math.Sqrt(1 - Math.Pow(beta2, Steps));
        double size = LearningRate * correction / (1 - Math.Pow(beta1, Steps));
        parameter.AddQuotientInPlace(first, second.Sqrt().AddInPlace(epsilon * correction), -size);
    }
}
