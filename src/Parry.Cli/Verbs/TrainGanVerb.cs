using System.CommandLine;
using System.Globalization;
using Parry.Cli.Training;
using Parry.Data;
using Parry.Generative;
using Parry.Torch;

namespace Parry.Cli.Verbs;

/// <summary><c>parry train gan</c>: the generator for Defense-GAN.</summary>
internal static class TrainGanVerb
{
    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        var recipe = new WganGp();
        Option<string> data = Arguments.Data();
        Option<string?> dataDir = Arguments.DataDir();
        Option<string> outFile = Arguments.OutFile("The weight file to write; checkpoint and sample sheet go beside it.");
        Option<string> kind = Arguments.Choice("--kind", "How it is trained.", "wgan-gp");
        Option<int> width = Arguments.Number("--width", "Channels of the generator's last hidden map.", recipe.Width, 1);
        Option<int> latent = Arguments.Number("--latent", "Length of the latent vector.", recipe.Latent, 1);
        Option<int> iterations = Arguments.Number("--iterations", "Generator steps.", recipe.Iterations, 1);
        Option<int> batch = Arguments.Number("--batch", "Images in a batch.", recipe.BatchSize, 1);
        Option<int> criticSteps = Arguments.Number("--critic-steps", "Critic steps before each generator step; may change with --resume.", recipe.CriticSteps, 1);
        Option<double> learningRate = Arguments.Positive("--learning-rate", "Adam's step size; may change with --resume.", recipe.LearningRate);
        var bfloat16 = new Option<bool>("--bfloat16") { Description = "Compute in bfloat16: about twice as fast where the processor has it." };
        Option<long> seed = Arguments.Seed();
        Option<int?> threads = Arguments.Optional<int>("--threads", "Threads to compute with; one per physical core if not given.");
        Option<int> checkpointEvery = Arguments.Number("--checkpoint-every", "Iterations between checkpoints.", 500, 1);
        Option<int> samplesEvery = Arguments.Number("--samples-every", "Iterations between sample sheets.", 500, 1);
        Option<bool> resume = Arguments.Resume();
        return new Command("gan", "Train a generator for Defense-GAN on the first 50,000 training images.")
        {
            data, dataDir, outFile, kind, width, latent, iterations, batch, criticSteps, learningRate, bfloat16, seed, threads, checkpointEvery, samplesEvery, resume,
        }.Does((result, cancellation) =>
        {
            DataSet set = result.DataSet(data);
            TorchThreads.Set(result.GetValue(threads) ?? Workers.PhysicalCores);
            var files = new TrainingFiles(result.GetRequiredValue(outFile), result.GetValue(resume));
            var run = new GanRun
            {
                Options = recipe with
                {
                    Width = result.GetValue(width),
                    Latent = result.GetValue(latent),
                    Iterations = result.GetValue(iterations),
                    BatchSize = result.GetValue(batch),
                    CriticSteps = result.GetValue(criticSteps),
                    LearningRate = result.GetValue(learningRate),
                    Compute = result.GetValue(bfloat16) ? DType.BFloat16 : DType.Float32,
                    Seed = result.GetValue(seed),
                },
                Images = set.Load(DataPart.Train, Split.DefenseGan, result.GetValue(dataDir)),
                Data = set.Name,
                Files = files,
                CheckpointEvery = result.GetValue(checkpointEvery),
                SamplesEvery = result.GetValue(samplesEvery),
                Command = result.CommandText(),
            };
            long parameters;
            using (ProgressLine progress = ProgressLine.Of(result)) parameters = run.Run(progress, cancellation);
            Output.Of(result).Line(string.Create(CultureInfo.InvariantCulture,
                $"{files.Weights}: generator of {parameters:N0} parameters after {run.Options.Iterations:N0} iterations; samples of it in {files.Samples}"));
            return 0;
        });
    }
}
