using Parry.Models.Architectures;
using Parry.Models.Files;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Models.Training;

/// <summary>A network and the optimizer that trains it; disposing frees both.</summary>
/// <remarks>
/// For a small network and independent images, it is fastest to split the batch into pieces for the workers; a network
/// with batch normalization or a gradient penalty needs the whole batch, in one piece or on LibTorch's own threads.
/// </remarks>
public sealed class Learner : IDisposable
{
    private readonly optim.Optimizer _optimizer;
    private readonly Tensor[] _weights;
    private readonly Tensor[] _statistics;
    private readonly nn.Module<Tensor, Tensor>[] _replicas;
    private bool _released;

    /// <summary>Makes the parameters trainable and creates the optimizer.</summary>
    /// <param name="name">The name of the network in checkpoints.</param>
    /// <param name="network">The network, with its initial weights.</param>
    /// <param name="optimizer">Creates the optimizer of the parameters.</param>
    /// <param name="replicas">Networks of the same architecture, one for each piece of a batch: needed if a layer has
    /// state during a pass, such as the generator of dropout. If null, all pieces share the network.</param>
    public Learner(
        string name,
        nn.Module<Tensor, Tensor> network,
        Func<IEnumerable<Tensor>, optim.Optimizer> optimizer,
        IEnumerable<nn.Module<Tensor, Tensor>>? replicas = null
    )
    {
        Name = name;
        Network = network;
        _weights = WeightsOf(network);
        _statistics = StatisticsOf(network);
        _optimizer = optimizer(_weights);
        _replicas = [.. replicas ?? []];
        foreach (nn.Module<Tensor, Tensor> trained in _replicas.DefaultIfEmpty(network))
            trained.RequireGrad();
    }

    /// <summary>The name of the network in checkpoints.</summary>
    public string Name { get; }

    /// <summary>The network as trained so far.</summary>
    public nn.Module<Tensor, Tensor> Network { get; }

    /// <summary>The parameters that the optimizer changes.</summary>
    public IReadOnlyList<Tensor> Weights => _weights;

    /// <summary>
    /// The size γ of adversarial weight perturbation, relative to the weights: gradients of losses that are sums over
    /// images are taken at the weights that raise the loss most. 0 for none.
    /// </summary>
    /// <exception cref="ArgumentException">There are no replicas to perturb.</exception>
    public double WeightPerturbation
    {
        get;
        init =>
            field = value == 0 || _replicas.Length > 0 ? value : throw new ArgumentException("There are no replicas.");
    }

    /// <summary>Whether all parameters are finite.</summary>
    public bool IsFinite
    {
        get
        {
            using var scope = NewDisposeScope();
            return _weights.All(weight => weight.isfinite().all().Item() != 0);
        }
    }

    /// <summary>Sets the step size.</summary>
    public void SetLearningRate(double rate) => _optimizer.SetLearningRate(rate);

    /// <summary>Takes one step on a loss of the whole batch.</summary>
    /// <param name="loss">A scalar that is differentiable with respect to the parameters.</param>
    public Descent Minimize(Tensor loss)
    {
        using var scope = NewDisposeScope();
        Tensor?[] gradients = Autograd.Grad([loss], _weights);
        _optimizer.Step(gradients);
        double squares = gradients.Sum(gradient => gradient is null ? 0 : (gradient * gradient).sum().Item());
        return new Descent(loss.Item(), Math.Sqrt(squares));
    }

    /// <summary>
    /// Takes one step on the mean of a loss that is a sum over images: the workers compute the pieces of a batch, and
    /// their gradients are summed in order. Takes no step if the loss is not finite.
    /// </summary>
    /// <param name="pieces">The number of pieces; it must not depend on the number of workers.</param>
    /// <param name="images">The number of images in the batch.</param>
    /// <param name="loss">Maps the network (or its replica) and the number of a piece to the summed loss of the piece,
    /// and the number of its images that are classified correctly, if known.</param>
    /// <param name="cancellation">Stops between pieces.</param>
    public BatchLoss Minimize(
        int pieces,
        int images,
        Func<nn.Module<Tensor, Tensor>, int, (Tensor Loss, Tensor? Correct)> loss,
        CancellationToken cancellation = default
    )
    {
        Piece[] parts = DifferentiateAt(_weights);
        if (WeightPerturbation > 0)
        {
            Tensor[] worst = Worst(parts);
            Free(parts.SelectMany(part => part.Gradients));
            parts = DifferentiateAt(worst);
            Free(worst);
        }

        var batch = new BatchLoss(parts.Sum(part => part.Loss), images, parts.Sum(part => part.Correct));
        if (batch.IsFinite)
            Step(parts);
        Free(parts.SelectMany(part => part.Gradients));
        return batch;

        Piece[] DifferentiateAt(Tensor[] weights) =>
            Workers.Shared.Map(pieces, i => Differentiate(i, images, loss, weights), cancellation);
    }

    /// <summary>The state of the network and the optimizer, as named tensors.</summary>
    public IEnumerable<KeyValuePair<string, Tensor>> State() =>
        [
            .. Network.State().Select(entry => KeyValuePair.Create($"{Name}.{entry.Key}", entry.Value)),
            .. _optimizer.State().Select(entry => KeyValuePair.Create($"{Name}-step.{entry.Key}", entry.Value)),
        ];

    /// <summary>Restores the state of another learner, by copy.</summary>
    /// <exception cref="InvalidDataException">The state belongs to another network or optimizer.</exception>
    public void Restore(SafeTensorsFile state)
    {
        Network.LoadState(state.Under($"{Name}."));
        _optimizer.Restore(state.Under($"{Name}-step."));
    }

    /// <summary>Freezes the network and hands it to the caller, who then owns it.</summary>
    public nn.Module<Tensor, Tensor> Release()
    {
        _released = true;
        Network.RequireGrad(false);
        return Network;
    }

    /// <summary>Frees the optimizer, the replicas and the network.</summary>
    public void Dispose()
    {
        _optimizer.Dispose();
        foreach (nn.Module<Tensor, Tensor> replica in _replicas)
            replica.Dispose();
        if (!_released)
            Network.Dispose();
    }

    private Piece Differentiate(
        int number,
        int images,
        Func<nn.Module<Tensor, Tensor>, int, (Tensor Loss, Tensor? Correct)> loss,
        Tensor[] at
    )
    {
        using var scope = NewDisposeScope();
        nn.Module<Tensor, Tensor> network = _replicas.Length == 0 ? Network : Replica(number, at);
        using var follow = enable_grad();
        var (sum, correct) = loss(network, number);
        Tensor[] weights = _replicas.Length == 0 ? _weights : WeightsOf(network);
        Tensor?[] gradients = Autograd.Grad([sum / images], weights);
        return new Piece(
            scope.MoveAllToOuter(Array.ConvertAll(gradients, gradient => gradient!)),
            sum.Item(),
            correct?.Item() ?? 0
        );
    }

    private nn.Module<Tensor, Tensor> Replica(int number, Tensor[] weights)
    {
        nn.Module<Tensor, Tensor> replica = _replicas[number];
        Copy(weights, WeightsOf(replica));
        Copy(_statistics, StatisticsOf(replica));
        return replica;
    }

    private static void Copy(Tensor[] from, Tensor[] to)
    {
        using var frozen = no_grad();
        foreach (var (copied, changed) in from.Zip(to))
            changed.copy_(copied);
    }

    // Run on a worker, where LibTorch's own threads are off: here they cost more than they gain.
    private void Step(Piece[] parts) =>
        Workers.Shared.Run(
            1,
            _ =>
            {
                using var scope = NewDisposeScope();
                _optimizer.Step(Sum(parts));

                // A network with statistics sees the whole batch as one piece.
                if (_replicas.Length > 0)
                    Copy(StatisticsOf(_replicas[0]), _statistics);
            }
        );

    private Tensor[] Worst(Piece[] parts) =>
        Workers.Shared.Map(
            1,
            _ =>
            {
                using var scope = NewDisposeScope();
                using var frozen = no_grad();
                Tensor[] worst = AdversarialWeightPerturbation.Worst(_weights, Sum(parts), WeightPerturbation);
                return scope.MoveAllToOuter(worst);
            }
        )[0];

    // In the gradients of the first piece.
    private static Tensor[] Sum(Piece[] parts)
    {
        Tensor[] sum = parts[0].Gradients;
        foreach (Piece part in parts.Skip(1))
        {
            for (int i = 0; i < sum.Length; i++)
                sum[i].add_(part.Gradients[i]);
        }

        return sum;
    }

    private static void Free(IEnumerable<Tensor> tensors)
    {
        foreach (Tensor tensor in tensors)
            tensor.Dispose();
    }

    private static Tensor[] WeightsOf(nn.Module network) =>
        [.. network.Parameters().Select(parameter => parameter.Value)];

    private static Tensor[] StatisticsOf(nn.Module network) => [.. network.Buffers().Select(buffer => buffer.Value)];

    private sealed record Piece(Tensor[] Gradients, double Loss, double Correct);
}
