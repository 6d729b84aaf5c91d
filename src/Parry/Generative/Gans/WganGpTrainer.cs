using System.Globalization;
using Parry.Data;
using Parry.Models;
using Parry.Models.Architectures;
using Parry.Models.Files;
using Parry.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Parry.Generative.Gans;

/// <summary>
/// Trains a generator against a critic, one generator step at a time. All randomness of a step follows from the seed
/// and the step's number, so a run continued from a checkpoint gives the weights that an unbroken run gives, bit for
/// bit. Critic steps and learning rate may change at a checkpoint.
/// </summary>
public sealed class WganGpTrainer : IDisposable
{
    private readonly WganGp _options;
    private readonly Tensor _images;
    private readonly WassersteinCritic _critic;
    private readonly ImageGenerator _current;
    private readonly optim.Optimizer _generatorStep;
    private readonly optim.Optimizer _criticStep;
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
        var shape = new ImageShape((int)images.size(1), (int)images.size(2), (int)images.size(3));
        using var random = Devices.Generator(options.Seed);
        _current = new ImageGenerator(shape, random, options.Width, options.Latent);
        _critic = new WassersteinCritic(shape, random, options.Width);
        Generator = new ImageGenerator(shape, random, options.Width, options.Latent);
        Generator.LoadState(_current.State().ToDictionary());
        _generatorStep = Optimizers.Adam(
            _current.Parameters().Select(p => p.Value),
            options.LearningRate,
            options.Beta1,
            options.Beta2
        );
        _criticStep = Optimizers.Adam(
            _critic.Parameters().Select(p => p.Value),
            options.LearningRate,
            options.Beta1,
            options.Beta2
        );
        _batches = new ShuffledBatches((int)images.size(0), options.BatchSize, (ulong)options.Seed, DropLast: true);
    }

    /// <summary>The averaged generator: the result of the training.</summary>
    public ImageGenerator Generator { get; }

    /// <summary>Generator steps taken so far.</summary>
    public int Iteration { get; private set; }

    /// <summary>How it was trained so far, the last stage being this one.</summary>
    public IReadOnlyList<TrainingStage> Stages =>
        [.. _before, new TrainingStage(Iteration, _options.CriticSteps, _options.LearningRate)];

    /// <summary>Takes the critic's steps and one of the generator.</summary>
    /// <returns>The critic's estimate of the Wasserstein distance (it falls as the images get better) and its gradient
    /// penalty.</returns>
    public (double Distance, double Penalty) Step()
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        using var random = Devices.Generator((unchecked((_options.Seed * 1_000_003) + Iteration)));
        double distance = 0,
            penalty = 0;
        for (int step = 0; step < _options.CriticSteps; step++)
        {
            using var inner = NewDisposeScope();
            Tensor real = RealBatch(((long)Iteration * _options.CriticSteps) + step);
            long count = real.size(0);
            Tensor fake = _current.Generate(Latents(count, random), _options.Compute);
            Tensor mix = rand([count, 1, 1, 1], generator: random);
            Tensor mixed = real.add(fake.sub(real).mul(mix));
            using var record = enable_grad();
            _critic.RequireGrad();
            var (lossDistance, lossPenalty) = _critic.Loss(real, fake, mixed, _options.Penalty, _options.Compute);
            _criticStep.Step(Autograd.Grad([lossDistance + lossPenalty], Weights(_critic)));
            _critic.RequireGrad(false);
            if (step == _options.CriticSteps - 1)
                (distance, penalty) = (-lossDistance.ToDouble(), lossPenalty.ToDouble());
        }

        long images = _options.BatchSize;
        using (enable_grad())
        {
            _current.RequireGrad();
            Tensor drawn = _current.Generate(Latents(images, random), _options.Compute);
            Tensor loss = -_critic.Score(drawn, _options.Compute).mean();
            _generatorStep.Step(Autograd.Grad([loss], Weights(_current)));
            _current.RequireGrad(false);
        }

        Iteration++;
        UpdateAverage();
        return (distance, penalty);
    }

    /// <summary>Everything a run needs to go on, as tensors and metadata of one safetensors file.</summary>
    public void Save(Stream stream)
    {
        using var scope = NewDisposeScope();
        var tensors = new Dictionary<string, Tensor>();
        Add(tensors, "generator.", Generator.State());
        Add(tensors, "current.", _current.State());
        Add(tensors, "critic.", _critic.State());
        Add(tensors, "generator-step.", _generatorStep.State());
        Add(tensors, "critic-step.", _criticStep.State());
        SafeTensors.Write(
            stream,
            tensors,
            new Dictionary<string, string>
            {
                ["iteration"] = Iteration.ToString(CultureInfo.InvariantCulture),
                ["options"] = Lasting,
                ["stages"] = TrainingStage.Text(Stages),
            }
        );
    }

    /// <summary>Goes on from what <see cref="Save"/> wrote.</summary>
    /// <exception cref="UserErrorException">The checkpoint was made with other options than may change.</exception>
    /// <exception cref="InvalidDataException">The checkpoint is damaged.</exception>
    public void Resume(SafeTensorsFile checkpoint)
    {
        string made = checkpoint.Metadata.GetValueOrDefault("options", "");
        if (made != Lasting)
            throw new UserErrorException(
                $"the checkpoint was made with {made}, not with {Lasting}: give the same options, or train into "
                    + $"another folder"
            );
        Generator.LoadState(checkpoint.Under("generator."));
        _current.LoadState(checkpoint.Under("current."));
        _critic.LoadState(checkpoint.Under("critic."));
        _generatorStep.Restore(checkpoint.Under("generator-step."));
        _criticStep.Restore(checkpoint.Under("critic-step."));
        Iteration = int.Parse(checkpoint.Metadata["iteration"], CultureInfo.InvariantCulture);
        IReadOnlyList<TrainingStage> stages = TrainingStage.Parse(checkpoint.Metadata.GetValueOrDefault("stages", ""));
        bool same =
            stages.Count > 0
            && (stages[^1].CriticSteps, stages[^1].LearningRate) == (_options.CriticSteps, _options.LearningRate);
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
        if (_epoch.Epoch != epoch)
            _epoch = (epoch, [.. _batches.Epoch(epoch)]);
        int[] batch = _epoch.Batches[number % _batches.BatchesPerEpoch];
        return _images.index_select(0, tensor(batch)).to(ScalarType.Float32).div(255.0);
    }

    private static Tensor[] Weights(nn.Module network) =>
        [.. network.Parameters().Select(parameter => parameter.Value)];

    private Tensor Latents(long count, Generator random) => randn([count, _options.Latent], generator: random);

    // The average's window grows from nothing, so that the first weights are soon forgotten.
    private void UpdateAverage()
    {
        double keep = Math.Min(_options.AverageDecay, (1.0 + Iteration) / (10 + Iteration));
        foreach (var ((_, average), (_, current)) in Generator.State().Zip(_current.State()))
            average.mul_(keep).add_(current, 1 - keep);
    }

    private static void Add(
        Dictionary<string, Tensor> to,
        string prefix,
        IEnumerable<KeyValuePair<string, Tensor>> tensors
    )
    {
        foreach (var (name, tensor) in tensors)
            to.Add(prefix + name, tensor);
    }
}
