using System.CommandLine;
using Parry.Cli.Evaluating;

namespace Parry.Cli.Verbs;

/// <summary><c>parry demo</c>: the whole story on shipped weights, in about a minute.</summary>
internal static class DemoVerb
{
    private const int Images = 200;

    // The attacker projects from one start only, because every step of an attack needs a projection.
    private const string Defense = "defense-gan:l=30,r=10,attack-l=30,attack-r=1";

    public static Command Create()
    {
        var folder = new Option<string>("--out") { Description = "The folder for the report.", HelpName = "DIR", DefaultValueFactory = _ => Path.Combine("out", "demo") };
        Option<string?> dataDir = Arguments.DataDir();
        Option<bool> json = Arguments.Json();
        return new Command("demo", $"Attack a Fashion-MNIST classifier, defend it with Defense-GAN, and attack the defense: {Images} images, shipped weights.") { folder, dataDir, json }
            .Does((parsed, cancellation) =>
            {
                var request = new EvaluateRequest
                {
                    Model = "fashion-mnist/a",
                    Data = "fashion-mnist",
                    DataDir = parsed.GetValue(dataDir),
                    Attacks = ["fgsm:eps=0.05,0.1,0.2", "pgd:eps=0.1,steps=20", "cw-l2:steps=1,iterations=40,lr=0.1,c=100,confidence=20"],
                    Defenses = [Defense],
                    Count = Images,

                    // Two minutes are all there is; the report says what was left out.
                    KnownBreaks = false,
                    Seed = 1,
                    Command = parsed.CommandText(),
                };
                bool quiet = parsed.GetValue(json);
                if (!quiet) Output.Of(parsed).Line($"Fashion-MNIST, classifier A, {Images} test images: bare, behind Defense-GAN, and behind it with an attacker who knows it. About a minute.");
                return EvaluateVerb.Evaluate(request, parsed, parsed.GetRequiredValue(folder), quiet, cancellation);
            });
    }
}
