using System.CommandLine;
using System.Globalization;
using Parry.Attacks;
using Parry.Attacks.WhiteBox;
using Parry.Cli.Training;
using Parry.Data;
using Parry.Generative.Gans;
using Parry.Models;
using Parry.Models.Files;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Cli.Verbs;

/// <summary><c>parry train pix2pix</c>: a network from images to images.</summary>
internal sealed class TrainPix2PixVerb
{
    private const string Edges = "edges";
    private const int ScoredImages = 1000;
    private const int ScoredBatch = 100;

    private static readonly Pix2Pix s_recipe = new();

    private readonly Option<string> _task = Arguments.Choice(
        "--task",
        "What it draws the images from: their edges, or images that fool --model by the fast gradient sign method.",
        Edges,
        "adversarial"
    );
    private readonly Option<string?> _model = new("--model")
    {
        Description = "The classifier to fool: a file or the name of a model that ships.",
        HelpName = "MODEL",
    };
    private readonly Option<double> _epsilon = Arguments.Positive(
        "--epsilon",
        "The largest change of a pixel for the adversarial task.",
        0.3
    );
    private readonly Option<int> _width = Arguments.Number(
        "--width",
        "Channels of the first map of both networks.",
        s_recipe.Width,
        1
    );
    private readonly Option<int> _iterations = Arguments.Number(
        "--iterations",
        "Generator steps.",
        s_recipe.Iterations,
        1
    );
    private readonly Option<int> _batch = Arguments.Number("--batch", "Images in a batch.", s_recipe.BatchSize, 1);
    private readonly Option<double> _learningRate = Arguments.Positive(
        "--learning-rate",
        "Adam's step size; it falls to 0 in the second half.",
        s_recipe.LearningRate
    );
    private readonly Option<long> _seed = Arguments.Seed();
    private readonly GanOptions _options = new();

    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        var verb = new TrainPix2PixVerb();
        return TrainingRun.Verb(
            "pix2pix",
            "Train a network that draws images from their edges, or clean images from adversarial ones.",
            [
                verb._task,
                verb._model,
                verb._epsilon,
                verb._width,
                verb._iterations,
                verb._batch,
                verb._learningRate,
                verb._seed,
                .. verb._options.All,
            ],
            verb.Train,
            result => result.GetValue(verb._model),
            GanOptions.Weights
        );
    }

    private void Train(TrainingRun run)
    {
        string? fooled = run.Value(_model);
        bool edges = run.Value(_task) == Edges;
        if (edges != fooled is null)
            throw new UserErrorException(
                edges
                    ? "expected no --model with --task edges: leave it out, or give --task adversarial"
                    : "expected --model with --task adversarial: name the classifier to fool"
            );
        _options.SetThreads(run);
        ImageSet images = run.Images();
        ImageSet test = run.Images(DataPart.Test);
        IClassifier? classifier = fooled is null ? null : run.Classifier(fooled);
        var attack = new FastGradientSign { Epsilon = run.Value(_epsilon) };
        Tensor Inputs(Tensor wanted, Tensor labels) =>
            classifier is null ? Pix2Pix.Edges(wanted) : Adversarial(attack, classifier, wanted, labels);

        Pix2Pix recipe = s_recipe with
        {
            Width = run.Value(_width),
            Iterations = run.Value(_iterations),
            BatchSize = run.Value(_batch),
            LearningRate = run.Value(_learningRate),
            Seed = run.Value(_seed),
        };
        using Tensor pixels = images.ByteTensor();
        using Tensor labels = images.LabelTensor();
        using var trainer = new Pix2PixTrainer(
            recipe,
            pixels,
            labels,
            edges ? Edges : $"{attack} against {fooled}",
            Inputs
        )
        {
            CheckpointEvery = _options.CheckpointEvery(run),
        };
        var training = new GanRun
        {
            Run = run,
            Trainer = trainer,
            SamplesEvery = _options.SamplesEvery(run),
            SheetColumns = 9,
        };
        training.Train();
        run.Save(
            trainer.Generator,
            new ModelDescription
            {
                Architecture = UNet.Architecture,
                Data = run.Set.Name,
                Shape = images.Shape,
                Width = recipe.Width,
                Iterations = trainer.Iteration,
                Seed = recipe.Seed,
            }
        );
        training.Report();
        run.Line(Score(trainer, test.Take(Math.Min(ScoredImages, test.Count)), classifier, Inputs));
    }

    private static Tensor Adversarial(FastGradientSign attack, IClassifier classifier, Tensor images, Tensor labels)
    {
        var batch = new Batch(Parry.Models.Images.Of(images), Goal.Untargeted(labels), new SampleRandom(0, default));
        return attack.Perturb(classifier, batch, attack.Epsilon);
    }

    // How far inputs and outputs are from the wanted images, and how many the classifier gets right.
    private static string Score(
        Pix2PixTrainer trainer,
        ImageSet test,
        IClassifier? classifier,
        Func<Tensor, Tensor, Tensor> inputs
    )
    {
        double before = 0;
        double after = 0;
        double rightBefore = 0;
        double rightAfter = 0;
        foreach (int[] batch in Enumerable.Range(0, test.Count).Chunk(ScoredBatch))
        {
            using var frozen = no_grad();
            using var scope = NewDisposeScope();
            var (wanted, labels) = test.Batch(batch);
            Tensor input = inputs(wanted, labels);
            Tensor drawn = trainer.Generator.forward(input);
            before += (input - wanted).abs().MeanPerImage().sum().Item();
            after += (drawn - wanted).abs().MeanPerImage().sum().Item();
            if (classifier is null)
                continue;
            rightBefore += classifier.Predict(Parry.Models.Images.Of(input)).eq(labels).sum().Item();
            rightAfter += classifier.Predict(Parry.Models.Images.Of(drawn)).eq(labels).sum().Item();
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
