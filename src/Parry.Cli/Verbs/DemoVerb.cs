using System.CommandLine;
using Parry.Cli.Evaluating;

namespace Parry.Cli.Verbs;

/// <summary><c>parry demo</c>: attacks and defenses on shipped weights, in about a minute.</summary>
internal static class DemoVerb
{
    private const int Images = 100;

    /// <summary>
    /// The attacks. AdvGAN's generator was trained on the bare classifier; for each defense that the attacker knows it
    /// is trained further.
    /// </summary>
    public static IReadOnlyList<string> Attacks { get; } =
    [
        "fgsm:eps=0.1,0.2",
        "pgd:eps=0.1,steps=10",
        "advgan:weights=fashion-mnist/advgan,eps=0.1,images=500,epochs=1",
        "cw-l2:steps=1,iterations=30,lr=0.1,c=100,confidence=20",
    ];

    // The attacker projects from a single start, because every step of an attack needs a projection.
    private static readonly string[] s_defenses = ["defense-gan:l=30,r=4,attack-l=30,attack-r=1", "puvae", "magnet"];

    public static Command Create()
    {
        var folder = new Option<string>("--out")
        {
            Description = "The folder for the report.",
            HelpName = "DIR",
            DefaultValueFactory = _ => Path.Combine("out", "demo"),
        };
        Option<bool> anew = Arguments.Fresh();
        Option<string?> dataDir = Arguments.DataDir();
        Option<bool> json = Arguments.Json();
        return new Command(
            "demo",
            "Attack a Fashion-MNIST classifier, defend it with Defense-GAN, PuVAE and MagNet, and attack the "
                + $"defenses: {Images} images, shipped weights."
        )
        {
            folder,
            anew,
            dataDir,
            json,
        }.Does(
            (parsed, cancellation) =>
            {
                var request = new EvaluateRequest
                {
                    Model = ModelRequest.Of("fashion-mnist/a"),
                    Data = DataRequest.Of("fashion-mnist"),
                    DataDir = parsed.GetValue(dataDir),
                    Attacks = [.. Attacks],
                    Defenses = s_defenses,
                    Count = Images,

                    // The demo should take about a minute; the report says what was left out.
                    KnownBreaks = false,
                    Seed = 1,
                    Command = parsed.CommandText(),
                };
                bool fresh = parsed.GetValue(anew) || parsed.IsDefault(folder);
                RunFolder reports = EvaluateOutput.Folder(parsed.GetRequiredValue(folder), fresh);
                bool quiet = parsed.GetValue(json);
                if (!quiet)
                    Output
                        .Of(parsed)
                        .Line(
                            $"Fashion-MNIST, classifier A, {Images} test images: without a defense, with Defense-GAN, "
                                + "PuVAE and MagNet, and with an attacker who knows each of them. The attacks known to "
                                + "break them are not run, so their numbers are upper bounds. About a minute."
                        );
                return EvaluateOutput.Write(
                    request,
                    parsed,
                    reports,
                    new EvaluateMode { Fresh = fresh, Json = quiet },
                    cancellation
                );
            }
        );
    }
}
