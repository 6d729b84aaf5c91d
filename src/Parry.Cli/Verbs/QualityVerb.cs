using System.CommandLine;
using Parry.Cli.Measuring;
using Parry.Data;
using Parry.Generative;
using Parry.Generative.Quality;
using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Cli.Verbs;

/// <summary><c>parry quality</c>: how good a generator's images are.</summary>
internal sealed class QualityVerb
{
    // Ten splits of the classifier score and ten batches of the birthday paradox, each of at least two samples.
    private const int FewestSamples = 20;

    private readonly Option<string> _model = new("--model")
    {
        Description = "The generator: a .safetensors file or the name of one that ships, such as mnist/gan.",
        HelpName = "GENERATOR",
        Required = true,
    };
    private readonly DataOptions _data = new();
    private readonly Option<string?> _features = new("--features")
    {
        Description =
            "The classifier whose features and classes are compared (default: the one that ships for the data set, "
            + "such as mnist/a).",
        HelpName = "MODEL",
    };
    private readonly Option<int> _count = Arguments.Number(
        "--count",
        "How many images to draw, and real ones to compare them with.",
        10_000,
        FewestSamples
    );
    private readonly Option<int> _reconstruct = Arguments.Number(
        "--reconstruct",
        "How many test images, starting with the first, to reconstruct with a generator of wgan-gp, which takes the "
            + "longest; 0 for none.",
        100,
        0
    );
    private readonly Option<long> _seed = Arguments.Seed();
    private readonly Option<string?> _folder = new("--out")
    {
        Description = "A folder for sheets of the samples nearest to training images and to each other, as PNG.",
        HelpName = "DIR",
    };
    private readonly Option<bool> _overwrite = Arguments.Overwrite();
    private readonly Option<bool> _json = Arguments.Json();

    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        var verb = new QualityVerb();
        return new Command(
            "quality",
            "Measure a generator's images against test images, with real images and noise for comparison."
        )
        {
            verb._model,
            verb._data,
            verb._features,
            verb._count,
            verb._reconstruct,
            verb._seed,
            verb._folder,
            verb._overwrite,
            verb._json,
        }.Does(verb.Run);
    }

    private int Run(ParseResult parsed, CancellationToken cancellation)
    {
        string name = parsed.GetRequiredValue(_model);
        IImageSource set = _data.Open(parsed, name);
        string features = parsed.GetValue(_features) ?? $"{set.Name}/a";
        string? folder = parsed.GetValue(_folder);
        var (generator, description) = Generators.Open(name);
        using nn.Module<Tensor, Tensor> owned = generator;
        if (description.Shape != set.Shape)
            throw new UserErrorException(
                $"{name} draws images of {description.Shape}, those of {set.Name} are {set.Shape}: give the data it "
                    + "was trained on"
            );
        IClassifier classifier = ModelCatalog.LoadClassifier(features, set.Shape, set.ClassNames.Count).Classifier;
        using var ownedToo = classifier as IDisposable;
        var run = new QualityRun
        {
            Name = name,
            Generator = generator,
            Latent = description.Latent!.Value,
            Classes = description.ClassNames.Count,
            Features = new FeatureNetwork(classifier),
            Training = _data.Load(parsed, set, DataPart.Train),
            HeldOut = HeldOut(parsed, set),
            Test = _data.Load(parsed, set, DataPart.Test),
            Reconstructed = parsed.GetValue(_reconstruct),
            Seed = parsed.GetValue(_seed),
            Folder = folder is null ? null : RunFolder.Begin(folder, parsed.GetValue(_overwrite)),
        };
        QualityReport report;
        using (ProgressLine line = ProgressLine.Of(parsed))
            report = run.Run(set.Name, features, line, cancellation);
        Output output = Output.Of(parsed);
        if (parsed.GetValue(_json))
            output.Json(report, CliJson.Default.QualityReport);
        else
            Show(output, report, folder);
        return 0;
    }

    // Neighboring digits in the published order have the same writers, so images are drawn at random.
    private ImageSet HeldOut(ParseResult parsed, IImageSource set)
    {
        ImageSet all = _data.Load(parsed, set, DataPart.Validation);
        int drawn = all.Take(parsed.GetValue(_count)).Count; // refuses more than there are
        int[] order = ShuffledBatches.Permutation(all.Count, (ulong)parsed.GetValue(_seed), 0);
        return all.Select(order.AsSpan(0, drawn));
    }

    private static void Show(Output output, QualityReport report, string? folder)
    {
        output.Render(QualityTable.Of(report));
        output.Line($"classes drawn: {QualityTable.ClassesOf(report)}");
        output.Line(
            $"{report.Count} images of each source, {report.TestCount} test images, features of {report.Features}: "
                + "compare numbers only if these are the same."
        );
        output.Notes(report.Notes);
        if (folder is not null)
            output.Line($"Sheets: {folder}");
    }
}
