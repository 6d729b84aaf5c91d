using System.Globalization;
using Parry.Data;
using Parry.Torch;
using Parry.Torch.Optim;
using Parry.Torch.Serialization;

namespace Parry.Generative;

/// <summary>
/// Trains a generator against a critic, one generator step at a time. All randomness of a step follows from the seed and the step's number, so a
/// run continued from a checkpoint gives the weights that an unbroken run gives, bit for bit. Critic steps and learning rate may change at a checkpoint.
/// </summary>
public sealed class WganGpTrainer : IDisposable
{
    private readonly WganGp _options;
    private readonly Tensor _images;
    private readonly WassersteinCritic _critic;
    private readonly ImageGenerator _current;
    private readonly Adam _generatorStep;
    private readonly Adam _criticStep;
    private readonly ShuffledBatches _batches;
    private IReadOnlyList<TrainingStage> _before = [];
    private (int Epoch, int[][] Batches) _epoch = (-1, []);

    /// <summary>Creates networks with fresh weights.</summary>
    /// <param name="options">The recipe.</param>
    /// <param name="images">The training images, bytes [N, C, H, W]; this object does not own them.</param>
    public WganGpTrainer(WganGp options, Tensor images)
    {
        _options = options;
        _images = images;
        var shape = new ImageShape((int)images.Size(1), (int)images.Size(2), (int)images.Size(3));
        using var random = new Parry.Torch.Generator(options.Seed);
        _current = new ImageGenerator(shape, random, options.Width, options.Latent);
        _critic = new WassersteinCritic(shape, random, options.Width);
        Generator = new ImageGenerator(shape, random, options.Width, options.Latent);
        Generator.Load(_current.State.ToDictionary());
        _generatorStep = new Adam(_current.Parameters.Select(p => p.Value), options.LearningRate, options.Beta1, options.Beta2);
        _criticStep = new Adam(_critic.Parameters.Select(p => p.Value), options.LearningRate, options.Beta1, options.Beta2);
        _batches = new ShuffledBatches((int)images.Size(0), options.BatchSize, (ulong)options.Seed, DropLast: true);
    }

    /// <summary>The averaged generator: the result of the training.</summary>
    public ImageGenerator Generator { get; }

    /// <summary>Generator steps taken so far.</summary>
    public int Iteration { get; private set; }

    /// <summary>How it was trained so far, the last stage being this one.</summary>
    public IReadOnlyList<TrainingStage> Stages => [.. _before, new TrainingStage(Iteration, _options.CriticSteps, _options.LearningRate)];

    /// <summary>Takes the critic's steps and one of the generator.</summary>
    /// <returns>The critic's estimate of the Wasserstein distance (it falls as the images get better) and its gradient penalty.</returns>
    public (double Distance, double Penalty) Step()
    {
        using var frozen = Autograd.NoGrad();
        using var scope = new TensorScope();
        using var random = new Parry.Torch.Generator(unchecked((_options.Seed * 1_000_003) + Iteration));
        double distance = 0, penalty = 0;
        for (int step = 0; step < _options.CriticSteps; step++)
        {
            using var inner = new TensorScope();
            Tensor real = RealBatch(((long)Iteration * _options.CriticSteps) + step);
            long count = real.Size(0);
            Tensor fake = _current.Run(Latents(count, random), _options.Compute).Images;
            Tensor mix = Tensor.Uniform([count, 1, 1, 1], random);
            Tensor mixed = real.Add(fake.Sub(real).Mul(mix));
            var pass = new CriticPass(_critic, Tensor.Cat([real, fake, mixed]), _options.Compute);
            var (lossDistance, lossPenalty, gradients) = pass.Loss(_options.Penalty);
            _criticStep.Step(gradients);
            if (step == _options.CriticSteps - 1) (distance, penalty) = (-lossDistance.ToDouble(), lossPenalty.ToDouble());
        }

        long images = _options.BatchSize;
        GeneratorPass drawn = _current.Run(Latents(images, random), _options.Compute);
        var judged = new CriticPass(_critic, drawn.Images, _options.Compute);
        _generatorStep.Step(drawn.ParameterGradients(judged.ImageGradient(Tensor.Full([images], -1.0 / images))));
        Iteration++;
        UpdateAverage();
        return (distance, penalty);
    }

    /// <summary>Everything a run needs to go on, as tensors and metadata of one safetensors file.</summary>
    public void Save(Stream stream)
    {
        using var scope = new TensorScope();
        var tensors = new Dictionary<string, Tensor>();
        Add(tensors, "generator.", Generator.State);
        Add(tensors, "current.", _current.State);
        Add(tensors, "critic.", _critic.State);
        Add(tensors, "generator-step.", _generatorStep.State);
        Add(tensors, "critic-step.", _criticStep.State);
        SafeTensors.Write(stream, tensors, new Dictionary<string, string>
        {
            ["iteration"] = Iteration.ToString(CultureInfo.InvariantCulture),
            ["options"] = Lasting,
            ["stages"] = TrainingStage.Text(Stages),
        });
    }

    /// <summary>Goes on from what <see cref="Save"/> wrote.</summary>
    /// <exception cref="UserErrorException">The checkpoint was made with other options than may change.</exception>
    /// <exception cref="InvalidDataException">The checkpoint is damaged.</exception>
    public void Resume(SafeTensorsFile checkpoint)
    {
        string made = checkpoint.Metadata.GetValueOrDefault("options", "");
        if (made != Lasting) throw new UserErrorException($"the checkpoint was made with {made}, not with {Lasting}: give the same options, or train into another folder");
        Generator.Load(checkpoint.Under("generator."));
        _current.Load(checkpoint.Under("current."));
        _critic.Load(checkpoint.Under("critic."));
        _generatorStep.Restore(checkpoint.Under("generator-step."));
        _criticStep.Restore(checkpoint.Under("critic-step."));
        Iteration = int.Parse(checkpoint.Metadata["iteration"], CultureInfo.InvariantCulture);
        IReadOnlyList<TrainingStage> stages = TrainingStage.Parse(checkpoint.Metadata.GetValueOrDefault("stages", ""));
        bool same = stages.Count > 0 && (stages[^1].CriticSteps, stages[^1].LearningRate) == (_options.CriticSteps, _options.LearningRate);
        _before = same ? [.. stages.SkipLast(1)] : stages;
    }

    // The options that a whole training keeps.
    private string Lasting => (_options with { Iterations = 0, CriticSteps = 0, LearningRate = 0 }).ToString();

    /// <summary>Frees networks and optimizers, the averaged generator included.</summary>
    public void Dispose()
    {
        Generator.Dispose();
        _current.Dispose();
        _critic.Dispose();
        _generatorStep.Dispose();
        _criticStep.Dispose();
    }

    private Tensor RealBatch(long number)
    {
        int epoch = (int)(number / _batches.BatchesPerEpoch);
        if (_epoch.Epoch != epoch) _epoch = (epoch, [.. _batches.Epoch(epoch)]);
        int[] batch = _epoch.Batches[number % _batches.BatchesPerEpoch];
        return _images.IndexSelect(0, Tensor.From(batch)).To(DType.Float32).Div(255);
    }

    private Tensor Latents(long count, Parry.Torch.Generator random) => Tensor.Normal([count, _options.Latent], random);

    // The average's window grows from nothing, so that the first weights are soon forgotten.
    private void UpdateAverage()
    {
        double keep = Math.Min(_options.AverageDecay, (1.0 + Iteration) / (10 + Iteration));
        foreach (var ((_, average), (_, current)) in Generator.State.Zip(_current.State)) average.MulInPlace(keep).AddInPlace(current, 1 - keep);
    }

    private static void Add(Dictionary<string, Tensor> to, string prefix, IEnumerable<KeyValuePair<string, Tensor>> tensors)
    {
        foreach (var (name, tensor) in tensors) to.Add(prefix + name, tensor);
    }
}
