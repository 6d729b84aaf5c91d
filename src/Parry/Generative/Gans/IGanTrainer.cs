using Parry.Models.Files;
using static TorchSharp.torch;

namespace Parry.Generative.Gans;

/// <summary>
/// A training of a generator against a discriminator, one step at a time. All randomness of a step follows from the
/// seed and the step's number, so a run continued from a checkpoint gives the weights that an unbroken run gives, bit
/// for bit.
/// </summary>
public interface IGanTrainer : IDisposable
{
    /// <summary>The network that is the training's result, in evaluation mode between steps.</summary>
    nn.Module<Tensor, Tensor> Generator { get; }

    /// <summary>Generator steps taken so far.</summary>
    int Iteration { get; }

    /// <summary>Takes the discriminator's steps and one of the generator.</summary>
    GanStep Step();

    /// <summary>
    /// Draws images [count, C, H, W] in [0, 1] in evaluation mode, the same ones for the same weights and count.
    /// </summary>
    Tensor Samples(int count);

    /// <summary>Writes everything a run needs to go on, as one safetensors file.</summary>
    void Save(Stream stream);

    /// <summary>Goes on from what <see cref="Save"/> wrote.</summary>
    /// <exception cref="UserErrorException">The checkpoint was made with another recipe.</exception>
    /// <exception cref="InvalidDataException">The checkpoint is damaged.</exception>
    void Resume(SafeTensorsFile checkpoint);
}
