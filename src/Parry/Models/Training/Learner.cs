using Parry.Models.Architectures;
using Parry.Models.Files;
using Parry.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Parry.Models.Training;

/// <summary>A network and the optimizer that trains it. It owns both.</summary>
/// <remarks>
/// A small network on a batch whose images are independent is fastest in pieces, which the workers take side by side;
/// a network with batch normalization or a gradient penalty needs the whole batch, on LibTorch's own threads.
/// </remarks>
public sealed class Learner : IDisposable
{
    private readonly optim.Optimizer _optimizer;
    private readonly Tensor[] _weights;
    private readonly nn.Module<Tensor, Tensor>[] _replicas;
    private bool _released;

    /// <summary>Lets autograd follow the network's parameters and makes its optimizer.</summary>
    /// <param name="name">What the network is called in checkpoints.</param>
    /// <param name="network">The network, with its first weights.</param>
    /// <param name="optimizer">Makes the optimizer of the network's parameters.</param>
    /// <param name="replicas">
    /// Networks of the same architecture, one for each piece of a batch: needed where a layer keeps a state during a
    /// pass, as dropout keeps its generator. Null lets all pieces share the network.
    /// </param>
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
        _optimizer = optimizer(_weights);
        _replicas = [.. replicas ?? []];
        foreach (nn.Module<Tensor, Tensor> trained in _replicas.DefaultIfEmpty(network))
            trained.RequireGrad();
    }

    /// <summary>What the network is called in checkpoints.</summary>
    public string Name { get; }

    /// <summary>The network as trained so far.</summary>
    public nn.Module<Tensor, Tensor> Network { get; }

    /// <summary>The parameters that the optimizer changes.</summary>
    public IReadOnlyList<Tensor> Weights => _weights;

    /// <summary>Whether all parameters are finite.</summary>
    public bool IsFinite
    {
        get
        {
            using var scope = NewDisposeScope();
            return _weights.All(weight => weight.isfinite().all().ToDouble() != 0);
        }
    }

    /// <summary>Sets the step size.</summary>
    public void SetLearningRate(double rate) => _optimizer.SetLearningRate(rate);

    /// <summary>One step down a loss of the whole batch.</summary>
    /// <param name="loss">A scalar that autograd follows to the parameters.</param>
    public Descent Minimize(Tensor loss)
    {
        using var scope = NewDisposeScope();
        Tensor?[] gradients = Autograd.Grad([loss], _weights);
        _optimizer.Step(gradients);
        double squares = gradients.Sum(gradient => gradient is null ? 0 : (gradient * gradient).sum().ToDouble());
        return new Descent(loss.ToDouble(), Math.Sqrt(squares));
    }

    /// <summary>
    /// One step down the mean of a loss that belongs to images one by one: the workers take the pieces of a batch, and
    /// their gradients are summed in order. No step is taken where the loss is not finite.
    /// </summary>
    /// <param name="pieces">The number of pieces, which must not depend on the number of workers.</param>
    /// <param name="images">The number of images in the batch.</param>
    /// <param name="loss">From the network (or its replica) and a piece's number to the piece's summed loss, and the
    /// number of its images that are classified right, where that is known.</param>
    /// <param name="cancellation">Stops between pieces.</param>
    public BatchLoss Minimize(
        int pieces,
        int images,
        Func<nn.Module<Tensor, Tensor>, int, (Tensor Loss, Tensor? Correct)> loss,
        CancellationToken cancellation = default
    )
    {
        Piece[] parts = Workers.Shared.Map(pieces, i => Differentiate(i, images, loss), cancellation);
        var batch = new BatchLoss(parts.Sum(part => part.Loss), images, parts.Sum(part => part.Correct));
        if (batch.IsFinite)
            Step(parts);
        foreach (Tensor gradient in parts.SelectMany(part => part.Gradients))
            gradient.Dispose();
        return batch;
    }

    /// <summary>Network and optimizer as named tensors.</summary>
    public IEnumerable<KeyValuePair<string, Tensor>> State() =>
        [
            .. Network.State().Select(entry => KeyValuePair.Create($"{Name}.{entry.Key}", entry.Value)),
            .. _optimizer.State().Select(entry => KeyValuePair.Create($"{Name}-step.{entry.Key}", entry.Value)),
        ];

    /// <summary>Continues from another one's state, which is copied.</summary>
    /// <exception cref="InvalidDataException">The state is of another network or optimizer.</exception>
    public void Restore(SafeTensorsFile state)
    {
        Network.LoadState(state.Under($"{Name}."));
        _optimizer.Restore(state.Under($"{Name}-step."));
    }

    /// <summary>Gives the network, frozen, to the caller, who owns it from now on.</summary>
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
        Func<nn.Module<Tensor, Tensor>, int, (Tensor Loss, Tensor? Correct)> loss
    )
    {
        using var scope = NewDisposeScope();
        nn.Module<Tensor, Tensor> network = _replicas.Length == 0 ? Network : Replica(number);
        using var follow = enable_grad();
        var (sum, correct) = loss(network, number);
        Tensor[] weights = _replicas.Length == 0 ? _weights : WeightsOf(network);
        Tensor?[] gradients = Autograd.Grad([sum / images], weights);
        return new Piece(
            scope.MoveAllToOuter(Array.ConvertAll(gradients, gradient => gradient!)),
            sum.ToDouble(),
            correct?.ToDouble() ?? 0
        );
    }

    private nn.Module<Tensor, Tensor> Replica(int number)
    {
        using var frozen = no_grad();
        nn.Module<Tensor, Tensor> replica = _replicas[number];
        foreach (var (copy, weight) in WeightsOf(replica).Zip(_weights))
            copy.copy_(weight);
        return replica;
    }

    // On a worker, where LibTorch's own threads are off: they cost more than they bring here.
    private void Step(Piece[] parts) =>
        Workers.Shared.Run(
            1,
            _ =>
            {
                using var scope = NewDisposeScope();
                Tensor[] sum = parts[0].Gradients;
                foreach (Piece part in parts.Skip(1))
                {
                    for (int i = 0; i < sum.Length; i++)
                        sum[i].add_(part.Gradients[i]);
                }

                _optimizer.Step(sum);
            }
        );

    private static Tensor[] WeightsOf(nn.Module network) =>
        [.. network.Parameters().Select(parameter => parameter.Value)];

    private sealed record Piece(Tensor[] Gradients, double Loss, double Correct);
}
