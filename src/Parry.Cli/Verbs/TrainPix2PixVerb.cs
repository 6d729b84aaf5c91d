using System.CommandLine;
using System.Globalization;
using Parry.Attacks;
using Parry.Attacks.WhiteBox;
using Parry.Cli.Training;
using Parry.Data;
using Parry.Generative;
using Parry.Models;
using Parry.Models.Architectures;
using Parry.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Parry.Cli.Verbs;

/// <summary><c>parry train pix2pix</c>: a network from images to images.</summary>
internal static class TrainPix2PixVerb
{
    private const string Edges = "edges";
    private const int ScoredImages = 1000;
    private const int ScoredBatch = 100;

    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        var recipe = new Pix2Pix();
        var data = new DataOptions();
        Option<string> outFile = Arguments.OutFile(
            "The weight file to write; checkpoint, sample sheet and log go beside it."
        );
        Option<string> task = Arguments.Choice(
            "--task",
            "What it draws the images from: their edges, or images that fool --model by the fast gradient sign method.",
            Edges,
            "adversarial"
        );
        var model = new Option<string?>("--model")
        {
            Description = "The classifier to fool: a file or the name of a model that ships.",
            HelpName = "MODEL",
        };
        Option<double> epsilon = Arguments.Positive(
            "--epsilon",
            "The largest change of a pixel for the adversarial task.",
            0.3
        );
        Option<int> width = Arguments.Number("--width", "Channels of the first map of both networks.", recipe.Width, 1);
        Option<int> iterations = Arguments.Number("--iterations", "Generator steps.", recipe.Iterations, 1);
        Option<int> batch = Arguments.Number("--batch", "Images in a batch.", recipe.BatchSize, 1);
        Option<double> learningRate = Arguments.Positive(
            "--learning-rate",
            "Adam's step size; it falls to 0 in the second half.",
            recipe.LearningRate
        );
        Option<long> seed = Arguments.Seed();
        Option<int?> threads = Arguments.Optional<int>(
            "--threads",
            "Threads to compute with; one per physical core if not given."
        );
        Option<int> checkpointEvery = Arguments.Number("--checkpoint-every", "Iterations between checkpoints.", 500, 1);
        Option<int> samplesEvery = Arguments.Number("--samples-every", "Iterations between sample sheets.", 500, 1);
        Option<bool> resume = Arguments.Resume();
        return new Command(
            "pix2pix",
            "Train a network that draws images from their edges, or clean images from adversarial ones."
        )
        {
            data,
            outFile,
            task,
            model,
            epsilon,
            width,
            iterations,
            batch,
            learningRate,
            seed,
            threads,
            checkpointEvery,
            samplesEvery,
            resume,
        }.Does(
            (result, cancellation) =>
            {
                string? fooled = result.GetValue(model);
                bool edges = result.GetValue(task) == Edges;
                if (edges != fooled is null)
                    throw new UserErrorException(
                        edges
                            ? "expected no --model with --task edges: leave it out, or give --task adversarial"
                            : "expected --model with --task adversarial: name the classifier to fool"
                    );
                IImageSource set = data.Open(result, fooled);
                TorchLibrary.SetThreads(result.GetValue(threads) ?? Workers.PhysicalCores);
                var files = new TrainingFiles(result.GetRequiredValue(outFile), result.GetValue(resume));
                ImageSet images = set.Load(DataPart.Train, Split.DefenseGan, data.Folder(result)),
                    test = set.Load(DataPart.Test, Split.DefenseGan, data.Folder(result));
                IClassifier? classifier = fooled is null
                    ? null
                    : ModelCatalog.LoadClassifier(fooled, images.Shape, images.ClassNames.Count).Classifier;
                using var owned = classifier as IDisposable;
                var attack = new FastGradientSign { Epsilon = result.GetValue(epsilon) };
                Tensor Inputs(Tensor wanted, Tensor labels) =>
                    classifier is null
                        ? Pix2Pix.Edges(wanted)
                        : attack.Perturb(
                            classifier,
                            new Batch(
                                Parry.Models.Images.Of(wanted),
                                Goal.Untargeted(labels),
                                new SampleRandom(0, default)
                            ),
                            attack.Epsilon
                        );

                Pix2Pix options = recipe with
                {
                    Width = result.GetValue(width),
                    Iterations = result.GetValue(iterations),
                    BatchSize = result.GetValue(batch),
                    LearningRate = result.GetValue(learningRate),
                    Seed = result.GetValue(seed),
                };
                using Tensor pixels = images.ByteTensor(),
                    labels = images.LabelTensor();
                using var trainer = new Pix2PixTrainer(
                    options,
                    pixels,
                    labels,
                    edges ? Edges : $"{attack} against {fooled}",
                    Inputs
                );
                var run = new GanRun
                {
                    Trainer = trainer,
                    Iterations = options.Iterations,
                    LossHasFloor = true,
                    Files = files,
                    CheckpointEvery = result.GetValue(checkpointEvery),
                    SamplesEvery = result.GetValue(samplesEvery),
                    SheetColumns = 9,
                    Describe = iteration => new ModelDescription
                    {
                        Architecture = ModelDescription.Pix2PixArchitecture,
                        Data = set.Name,
                        Shape = images.Shape,
                        Width = options.Width,
                        Iterations = iteration,
                        Seed = options.Seed,
                        Command = result.CommandText(),
                    },
                };
                using (ProgressLine progress = ProgressLine.Of(result))
                    run.Run(progress, cancellation);
                Output output = Output.Of(result);
                output.Line(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{files.Weights}: generator of {trainer.Generator.ParameterCount():N0} parameters after "
                            + $"{options.Iterations:N0} iterations; samples of it in {files.Samples}"
                    )
                );
                output.Line(Score(trainer, test.Take(Math.Min(ScoredImages, test.Count)), classifier, Inputs));
                foreach (string warning in run.Warnings)
                    output.Line($"warning: {warning}");
                return 0;
            }
        );
    }

    // How far inputs and outputs are from the wanted images, and how many of them the classifier gets right.
    private static string Score(
        Pix2PixTrainer trainer,
        ImageSet test,
        IClassifier? classifier,
        Func<Tensor, Tensor, Tensor> inputs
    )
    {
        double before = 0,
            after = 0,
            rightBefore = 0,
            rightAfter = 0;
        foreach (int[] batch in Enumerable.Range(0, test.Count).Chunk(ScoredBatch))
        {
            using var frozen = no_grad();
            using var scope = NewDisposeScope();
            var (wanted, labels) = test.Batch(batch);
            Tensor input = inputs(wanted, labels),
                drawn = trainer.Generator.forward(input);
            before += input.sub(wanted).abs().mean([1, 2, 3]).sum().ToDouble();
            after += drawn.sub(wanted).abs().mean([1, 2, 3]).sum().ToDouble();
            if (classifier is null)
                continue;
            rightBefore += classifier.Predict(Parry.Models.Images.Of(input)).eq(labels).sum().ToDouble();
            rightAfter += classifier.Predict(Parry.Models.Images.Of(drawn)).eq(labels).sum().ToDouble();
        }

        string right = classifier is null
            ? ""
            : string.Create(
                CultureInfo.InvariantCulture,
                $"; the classifier gets {rightBefore * 100 / test.Count:0.0} % of the inputs and "
                    + $"{rightAfter * 100 / test.Count:0.0} % of the drawn images right"
            );
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{test.Count:N0} test images: mean absolute difference from the wanted image "
                + $"{before / test.Count:0.0000} of the inputs, {after / test.Count:0.0000} of the drawn images{right}"
        );
    }
}
