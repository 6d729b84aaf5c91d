using System.Globalization;
using Parry.Data.Images;
using Parry.Generative.Gans;
using Parry.Models;
using Parry.Models.Architectures;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Cli.Training;

/// <summary>One training of a GAN, with sample sheets, a log, and warnings about known failures.</summary>
internal sealed class GanRun
{
    private const int JudgedCount = 500;
    private const int SheetRows = 10;

    private int[]? _counts;

    /// <summary>The command line, the files and the progress.</summary>
    public required TrainingRun Run { get; init; }

    /// <summary>The trainer.</summary>
    public required GanTrainer Trainer { get; init; }

    /// <summary>Iterations between sample sheets.</summary>
    public required int SamplesEvery { get; init; }

    /// <summary>The iterations whose sample sheets are kept; 0 for the generator before training.</summary>
    public IReadOnlyList<int> KeptSamples { get; init; } = [];

    /// <summary>Whether the discriminator's loss nears 0 when it wins.</summary>
    public bool LossHasFloor { get; init; } = true;

    /// <summary>Columns of the sample sheet, which has ten rows.</summary>
    public int SheetColumns { get; init; } = 10;

    /// <summary>A classifier that recognizes the classes of the samples; null for none.</summary>
    public IClassifier? Judge { get; init; }

    private IEnumerable<string> Warnings =>
        new[]
        {
            LossHasFloor ? GanWarnings.VanishingGradient(Trainer.Log.Rows) : null,
            GanWarnings.Divergence(Trainer.Log.Rows),
            _counts is null ? null : GanWarnings.ModeCollapse(_counts),
        }.OfType<string>();

    /// <summary>Trains to the end and writes the last samples and the log.</summary>
    /// <exception cref="StoppedException">The training was stopped; the checkpoint says where.</exception>
    /// <exception cref="UserErrorException">The checkpoint or the log does not fit, or samples are to be kept after the
    /// end.</exception>
    /// <exception cref="InvalidOperationException">The training diverged.</exception>
    public void Train()
    {
        if (KeptSamples.FirstOrDefault(at => at < 0 || at > Trainer.Iterations) is not 0 and var wrong)
            throw new UserErrorException(
                $"expected --samples-at from 0 to the {Trainer.Iterations} iterations, got {wrong}"
            );
        try
        {
            if (!Run.Files.HasCheckpoint)
                KeepSamples();
            Run.Train(Trainer, Describe, Stepped);
        }
        finally
        {
            WriteLog();
        }

        WriteSamples();
        WriteLog();
    }

    /// <summary>Reports the result and the warnings.</summary>
    public void Report()
    {
        string found = _counts is null
            ? ""
            : $"; the last samples show {GanWarnings.ClassesCovered(_counts)} of {_counts.Length} classes";
        Run.Line(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{Run.Files.Weights}: generator of {Trainer.Generator.ParameterCount():N0} parameters after "
                    + $"{Trainer.Iteration:N0} iterations; samples in {Run.Files.Samples}"
            )
        );
        Run.Line($"{Run.Files.Log}: losses and gradients{found}");
        foreach (string warning in Warnings)
            Run.Line($"warning: {warning}");
    }

    /// <summary>Writes images [N, C, H, W] in [0, 1] as one PNG.</summary>
    public static void WriteSheet(string path, Tensor images, int columns)
    {
        var shape = new ImageShape((int)images.size(1), (int)images.size(2), (int)images.size(3));
        byte[] pixels = Array.ConvertAll(
            images.contiguous().ToArray<float>(),
            value => (byte)Math.Round(Math.Clamp(value, 0, 1) * 255)
        );
        byte[] sheet = ImageGrid.EncodePng(pixels, shape, columns, scale: 2);
        AtomicFile.Write(path, stream => stream.Write(sheet));
    }

    private string Describe(GanStep step)
    {
        string penalty = step.Penalty > 0 ? $" (penalty {step.Penalty:0.000})" : "";
        string classes = _counts is null ? "" : $", {GanWarnings.ClassesCovered(_counts)} classes";
        string warned = string.Concat(Warnings.Select(warning => $", warning: {warning}"));
        return string.Create(
            CultureInfo.InvariantCulture,
            $"loss {step.DiscriminatorLoss:0.000}{penalty} / {step.GeneratorLoss:0.000}, gradient "
                + $"{step.GeneratorGradient:G2}{classes}{warned}"
        );
    }

    private void Stepped(GanStep _)
    {
        if (Trainer.Iteration % SamplesEvery == 0 && Trainer.Iteration < Trainer.Iterations)
            WriteSamples();
        if (Trainer.Iteration % Trainer.CheckpointEvery == 0)
            WriteLog();
        KeepSamples();
    }

    private void WriteLog() => AtomicFile.WriteText(Run.Files.Log, Trainer.Log.Text);

    private void KeepSamples()
    {
        if (KeptSamples.Contains(Trainer.Iteration))
            WriteSheet(Run.Files.SamplesAt(Trainer.Iteration));
    }

    private void WriteSheet(string path)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        WriteSheet(path, Trainer.Samples(SheetRows * SheetColumns), SheetColumns);
    }

    private void WriteSamples()
    {
        WriteSheet(Run.Files.Samples);
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        if (Judge is null)
            return;
        _counts = new int[Judge.Classes];
        foreach (long label in Judge.Predict(Parry.Models.Images.Of(Trainer.Samples(JudgedCount))).ToArray<long>())
            _counts[label]++;
        Trainer.Log.Judge(GanWarnings.ClassesCovered(_counts));
    }
}
