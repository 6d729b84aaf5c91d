using Parry.Attacks;
using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Tests;

/// <summary>Asks models about tensors whose rows are the samples 0 to N - 1.</summary>
internal static class UnnumberedImages
{
    public static Tensor Predict(this IPredictor model, Tensor images) => model.Predict(Images.Of(images));

    public static Tensor Probabilities(this IScorer model, Tensor images) => model.Probabilities(Images.Of(images));

    public static Tensor Logits(this IClassifier model, Tensor images) => model.Logits(Images.Of(images));

    public static LossGradient Gradient(this IClassifier model, Tensor images, Func<Tensor, Tensor> loss) =>
        model.Gradient(Images.Of(images), loss);

    public static Tensor Perturb<TModel>(
        this IAttack<TModel> attack,
        TModel model,
        Tensor images,
        Goal goal,
        SampleRandom random
    )
        where TModel : IPredictor => attack.Perturb(model, BatchOf(images, goal, random));

    public static IReadOnlyList<Tensor> PerturbWithin<TModel>(
        this IBudgetAttack<TModel> attack,
        TModel model,
        Tensor images,
        Goal goal,
        SampleRandom random,
        IReadOnlyList<double> epsilons
    )
        where TModel : IPredictor => attack.PerturbWithin(model, BatchOf(images, goal, random), epsilons);

    private static Batch BatchOf(Tensor images, Goal goal, SampleRandom random) =>
        new(new Images(images, random.Samples), goal, random);
}
