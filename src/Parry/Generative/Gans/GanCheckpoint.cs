using System.Globalization;
using Parry.Models;
using Parry.Models.Architectures;
using Parry.Models.Files;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Generative.Gans;

/// <summary>
/// The checkpoint of a training: networks and optimizers by name, the step's number, and the recipe it belongs to.
/// </summary>
internal static class GanCheckpoint
{
    public static void Save(Stream stream, int iteration, string recipe, params (string Name, object Part)[] parts)
    {
        var tensors = new Dictionary<string, Tensor>();
        foreach (var (name, part) in parts)
        {
            IEnumerable<KeyValuePair<string, Tensor>> state = part is nn.Module<Tensor, Tensor> network
                ? network.State()
                : ((optim.Optimizer)part).State();
            foreach (var (key, tensor) in state)
                tensors.Add($"{name}.{key}", tensor);
        }

        SafeTensors.Write(
            stream,
            tensors,
            new Dictionary<string, string>
            {
                ["iteration"] = iteration.ToString(CultureInfo.InvariantCulture),
                ["recipe"] = recipe,
            }
        );
    }

    /// <returns>The step's number.</returns>
    public static int Resume(SafeTensorsFile checkpoint, string recipe, params (string Name, object Part)[] parts)
    {
        string made = checkpoint.Metadata.GetValueOrDefault("recipe", "another kind of training");
        if (made != recipe)
            throw new UserErrorException(
                $"the checkpoint was made with {made}, not with {recipe}: give the same options, or train into "
                    + $"another folder"
            );
        foreach (var (name, part) in parts)
        {
            if (part is nn.Module<Tensor, Tensor> network)
                network.LoadState(checkpoint.Under($"{name}."));
            else
                ((optim.Optimizer)part).Restore(checkpoint.Under($"{name}."));
        }

        return int.Parse(checkpoint.Metadata["iteration"], CultureInfo.InvariantCulture);
    }
}
