using Parry.Models.Training;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Generative.Gans;

/// <summary>
/// Trains Defense-GAN's generator against a critic with a gradient penalty (<see cref="WganGp"/>). Critic steps and
/// learning rate may change at a checkpoint.
/// </summary>
public sealed class WganGpTrainer : GanTrainer
{
    private const string StagesKey = "stages";

    private readonly WganGp _recipe;
    private readonly ImageGenerator _current;
    private readonly ImageGenerator _averaged;
    private readonly WassersteinCritic _network;
    private readonly Learner _generator;
    private readonly Learner _critic;
    private readonly WeightAverage _average;
    private IReadOnlyList<TrainingStage> _before = [];

    /// <summary>Creates networks with fresh weights.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="images">The training images, bytes [N, C, H, W]; the caller owns them.</param>
    /// <exception cref="UserErrorException">There are fewer images than a batch.</exception>
    public WganGpTrainer(WganGp recipe, Tensor images)
        : base(recipe.Iterations, images, null, recipe.BatchSize, recipe.Seed)
    {
        _recipe = recipe;
        using var random = Devices.Generator(recipe.Seed);
        _current = new ImageGenerator(Shape, random, recipe.Width, recipe.Latent);
        _network = new WassersteinCritic(Shape, random, recipe.Width);
        _averaged = new ImageGenerator(Shape, random, recipe.Width, recipe.Latent);
        _average = new WeightAverage(_averaged, _current, recipe.AverageDecay);
        _generator = new Learner("current", _current, Adam);
        _critic = new Learner("critic", _network, Adam);
    }

    /// <summary>The averaged generator.</summary>
    public override ImageGenerator Generator => _averaged;

    /// <summary>The stages of the training so far; the last is this one.</summary>
    public IReadOnlyList<TrainingStage> Stages =>
        [.. _before, new TrainingStage(Iteration, _recipe.CriticSteps, _recipe.LearningRate)];

    /// <inheritdoc/>
    protected override string Recipe => (_recipe with { Iterations = 0, CriticSteps = 0, LearningRate = 0 }).ToString();

    /// <inheritdoc/>
    protected override IReadOnlyList<Learner> Learners => [_generator, _critic];

    /// <inheritdoc/>
    protected override nn.Module Average => _averaged;

    /// <inheritdoc/>
    protected override IEnumerable<KeyValuePair<string, string>> Notes =>
        [.. base.Notes, new(StagesKey, TrainingStage.Text(Stages))];

    /// <inheritdoc/>
    protected override GanStep Train(int iteration, Generator random)
    {
        Descent critic = default;
        double penalized = 0;
        for (int step = 0; step < _recipe.CriticSteps; step++)
        {
            using var inner = NewDisposeScope();
            Tensor real = Batch(((long)iteration * _recipe.CriticSteps) + step).Images;
            Tensor fake = Draw(random);
            Tensor share = random.Uniform(_recipe.BatchSize, 1, 1, 1);
            Tensor mixed = real + ((fake - real) * share);
            var (distance, penalty) = _network.Loss(real, fake, mixed, _recipe.Penalty, _recipe.Compute);
            critic = _critic.Minimize(distance + penalty);
            penalized = penalty.Item();
        }

        Tensor drawn = _current.Generate(Latents(_recipe.BatchSize, random), _recipe.Compute);
        Tensor score = _network.Score(drawn, _recipe.Compute);
        Descent generator = _generator.Minimize(-score.mean());
        _average.Update(iteration + 1);
        return new GanStep(critic, generator) { Penalty = penalized };
    }

    /// <inheritdoc/>
    protected override Tensor Samples(int count, Generator random) => _averaged.Generate(Latents(count, random));

    /// <inheritdoc/>
    protected override void Resumed(IReadOnlyDictionary<string, string> notes)
    {
        base.Resumed(notes);
        IReadOnlyList<TrainingStage> stages = TrainingStage.Parse(notes.GetValueOrDefault(StagesKey, ""));
        bool same =
            stages.Count > 0
            && (stages[^1].CriticSteps, stages[^1].LearningRate) == (_recipe.CriticSteps, _recipe.LearningRate);
        _before = same ? [.. stages.SkipLast(1)] : stages;
    }

    private optim.Optimizer Adam(IEnumerable<Tensor> weights) =>
        Optimizers.Adam(weights, _recipe.LearningRate, _recipe.Beta1, _recipe.Beta2);

    private Tensor Latents(long count, Generator random) => random.Normal(count, _recipe.Latent);

    private Tensor Draw(Generator random)
    {
        using var frozen = no_grad();
        return _current.Generate(Latents(_recipe.BatchSize, random), _recipe.Compute);
    }
}
