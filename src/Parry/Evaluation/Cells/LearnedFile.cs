using System.Text.Json;
using Parry.Attacks;
using Parry.Models;
using Parry.Models.Files;
using static TorchSharp.torch;

namespace Parry.Evaluation.Cells;

/// <summary>
/// Keeps what an attack has learned for one cell, so that it is learned once: by the first process that comes to it,
/// through a rename, or by one that runs before the others.
/// </summary>
/// <param name="path">The file; null to keep nothing.</param>
internal sealed class LearnedFile(string? path)
{
    /// <summary>The files' extension.</summary>
    public const string Extension = ".safetensors";

    private const string Training = "training";

    /// <summary>The attack with what it learned before, and what that took; null if it has not learned yet.</summary>
    /// <exception cref="IOException">The file was cut or edited.</exception>
    public (ITrainedAttack<IClassifier>, AttackTraining)? Read(ITrainedAttack<IClassifier> attack, IPredictor model)
    {
        if (!File.Exists(path))
            return null;
        try
        {
            using var frozen = no_grad();
            using SafeTensorsFile file = SafeTensors.Read(path);
            AttackTraining training =
                JsonSerializer.Deserialize(
                    file.Metadata.GetValueOrDefault(Training, "null"),
                    RecordJsonContext.Default.AttackTraining
                ) ?? throw new InvalidDataException("It does not say what the training took.");
            return (attack.WithLearned(model, file.Tensors), training);
        }
        catch (Exception e) when (e is InvalidDataException or JsonException)
        {
            throw new IOException(
                $"'{path}' does not hold what {attack.Name} learned: it was cut or edited. Delete it, and the attack "
                    + "learns anew",
                e
            );
        }
    }

    /// <summary>Keeps what an attack has learned, unless another process was faster.</summary>
    public void Write(ITrainedAttack<IClassifier> attack, AttackTraining training)
    {
        if (path is null || File.Exists(path) || attack.Learned is not { } learned)
            return;
        string took = JsonSerializer.Serialize(training, RecordJsonContext.Default.AttackTraining);
        var metadata = new Dictionary<string, string> { [Training] = took };
        RecordFolder.Written(() => AtomicFile.Write(path, stream => SafeTensors.Write(stream, learned, metadata)));
    }
}
