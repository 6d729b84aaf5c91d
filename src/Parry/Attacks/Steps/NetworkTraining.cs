using Parry.Models;
using Parry.Torch;
using Parry.Torch.Nn;
using Parry.Torch.Optim;

namespace Parry.Attacks.Steps;

/// <summary>How the network of an attack learns: Adam over epochs of shuffled batches.</summary>
internal sealed record NetworkTraining(int Epochs, int BatchSize, double LearningRate)
{
    private const int Rows = 32;

    /// <summary>A small network with one hidden layer: joins all dimensions after the first, and gives outputs in a row.</summary>
    /// <param name="inputs">Values of one input.</param>
    /// <param name="hidden">Units of the hidden layer.</param>
    /// <param name="outputs">Values of one output.</param>
    /// <param name="seed">Decides the first weights.</param>
    /// <param name="last">What bounds the outputs, if anything.</param>
    public static Module Dense(int inputs, int hidden, int outputs, long seed, Activation? last = null)
    {
        using var random = new Generator(seed);
        Module[] layers = [new Flatten(), new Linear(inputs, hidden, random), Activation.Relu(), new Linear(hidden, outputs, random)];
        return new Sequential(last is null ? layers : [.. layers, last]);
    }

    /// <summary>The number of steps on that many images.</summary>
    public long Steps(long images) => Epochs * ((images + BatchSize - 1) / BatchSize);

    /// <summary>Trains a network in place.</summary>
    /// <param name="network">The network, in evaluation mode.</param>
    /// <param name="data">What it learns from.</param>
    /// <param name="seed">Decides the order of images.</param>
    /// <param name="loss">From some rows and the number of the step to their summed loss, followed by autograd.</param>
    /// <param name="progress">Told the share that is done.</param>
    /// <param name="cancellation">Stops between batches.</param>
    public void Run<TModel>(Module network, AttackBatch<TModel> data, long seed, Func<AttackBatch<TModel>, long, Tensor> loss,
        IProgress<double>? progress, CancellationToken cancellation) where TModel : IPredictor
    {
        using var scope = new TensorScope();
        Tensor[] weights = [.. network.Parameters.Select(parameter => parameter.Value)];
        using var adam = new Adam(weights, LearningRate);
        var lanes = new TrainingLanes<TModel>(data, BatchSize, seed);
        network.RequireGrad();
        long step = 0;
        for (int epoch = 0; epoch < Epochs; epoch++)
        {
            foreach (long[][] rows in lanes.Epoch(epoch))
            {
                lanes.Step(adam, weights, rows, batch => loss(batch, step), cancellation);
                progress?.Report((double)++step / Steps(data.Count));
            }
        }

        network.RequireGrad(false);
    }

    /// <summary>
    /// A trained network's output, for each row the same in every batch: matrix products round differently for other numbers of rows, so the network is
    /// always given the same number of them.
    /// </summary>
    public static Tensor Apply(Module network, Tensor input)
    {
        using var scope = new TensorScope();
        var outputs = new List<Tensor>();
        for (long from = 0; from < input.Size(0); from += Rows)
        {
            Tensor rows = input.Slice(0, from, Math.Min(from + Rows, input.Size(0)));
            long[] missing = [Rows - rows.Size(0), .. rows.Shape.AsSpan(1)];
            Tensor filled = missing[0] == 0 ? rows : Tensor.Cat([rows, Tensor.Zeros(missing)]);
            outputs.Add(network.Forward(filled).Slice(0, 0, rows.Size(0)));
        }

        return scope.Keep(Tensor.Cat([.. outputs]));
    }
}
