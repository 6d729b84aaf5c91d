using System.Globalization;
using Parry.Defenses.Purifiers;
using Parry.Generative;
using Parry.Models;
using Parry.Torch;

namespace Parry.Defenses;

/// <summary>The defenses by their command-line names, and the reader of <c>NAME:key=value,…</c>.</summary>
public static class DefenseCatalog
{
    private static readonly string[] s_options = ["gan", "l", "r", "rate", "momentum", "init", "compute", "attack-l", "attack-r", "draws", "rec"];

    /// <summary>The names of all defenses.</summary>
    public static IReadOnlyList<string> Names { get; } = ["defense-gan"];

    /// <summary>
    /// Reads a defense, for example <c>defense-gan:l=50,r=10,attack-l=20,attack-r=1,draws=2</c>. Options: <c>gan</c> (the generator's file or name), <c>l</c> and <c>r</c>
    /// (steps and restarts), <c>rate</c>, <c>momentum</c>, <c>init</c> (prior, or paper for the released code's starts), <c>compute</c> (float32 or bfloat16), the attacker's
    /// <c>attack-l</c>, <c>attack-r</c> and <c>draws</c> (of expectation over transformation), and <c>rec</c> (a classifier trained on reconstructions).
    /// </summary>
    /// <param name="text">The text.</param>
    /// <param name="defaultGenerator">The generator's name when none is given.</param>
    /// <param name="loadGenerator">Loads a generator by file or name.</param>
    /// <param name="loadClassifier">Loads a classifier by file or name.</param>
    /// <exception cref="UserErrorException">The name, an option or a value is not valid; the message says what is.</exception>
    public static DefenseSpec Parse(string text, string defaultGenerator, Func<string, ImageGenerator> loadGenerator, Func<string, IClassifier> loadClassifier)
    {
        string[] parts = text.Split(':', 2);
        if (!Names.Contains(parts[0])) throw new UserErrorException($"there is no defense \"{parts[0]}\"; the defenses: none, {string.Join(", ", Names)}");
        var options = new Dictionary<string, string>();
        foreach (string piece in parts.Length == 1 ? [] : parts[1].Split(','))
        {
            string[] pair = piece.Split('=', 2, StringSplitOptions.TrimEntries);
            if (pair.Length != 2) throw new UserErrorException($"expected NAME:key=value,key=value, got \"{text}\": \"{piece}\" is no key=value");
            if (!s_options.Contains(pair[0])) throw new UserErrorException($"the defense {parts[0]} has no option {pair[0]}; its options: {string.Join(", ", s_options)}");
            if (!options.TryAdd(pair[0], pair[1])) throw new UserErrorException($"the option {pair[0]} of {parts[0]} is given twice; give its value once");
        }

        var paper = new DefenseGan(loadGenerator(options.GetValueOrDefault("gan", defaultGenerator)));
        DefenseGan purifier = paper with
        {
            Steps = Whole("l", paper.Steps),
            Restarts = Whole("r", paper.Restarts),
            LearningRate = Number("rate", paper.LearningRate),
            Momentum = Number("momentum", paper.Momentum),
            Start = Choice("init", "prior", ("prior", 1), ("paper", DefenseGan.PaperStart)),
            Compute = Choice("compute", "float32", ("float32", DType.Float32), ("bfloat16", DType.BFloat16)),
        };
        return new DefenseSpec
        {
            Name = text,
            Purifier = purifier,
            AttackersPurifier = purifier with { Steps = Whole("attack-l", Math.Min(purifier.Steps, 50)), Restarts = Whole("attack-r", Math.Min(purifier.Restarts, 2)) },
            Draws = Whole("draws", 1),
            Classifier = options.TryGetValue("rec", out string? rec) ? loadClassifier(rec) : null,
        };

        int Whole(string name, int otherwise) => !options.TryGetValue(name, out string? value) ? otherwise
            : int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int whole) && whole >= 1 ? whole
            : throw new UserErrorException($"the defense {parts[0]} takes for {name} a whole number from 1 on, got \"{value}\"");

        double Number(string name, double otherwise) => !options.TryGetValue(name, out string? value) ? otherwise
            : double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && number >= 0 && double.IsFinite(number) ? number
            : throw new UserErrorException($"the defense {parts[0]} takes for {name} a number from 0 on, got \"{value}\"");

        T Choice<T>(string name, string otherwise, params (string Name, T Value)[] choices)
        {
            string value = options.GetValueOrDefault(name, otherwise);
            int index = Array.FindIndex(choices, choice => choice.Name == value);
            return index >= 0 ? choices[index].Value
                : throw new UserErrorException($"the defense {parts[0]} takes for {name} {string.Join(" or ", choices.Select(choice => choice.Name))}, got \"{value}\"");
        }
    }
}
