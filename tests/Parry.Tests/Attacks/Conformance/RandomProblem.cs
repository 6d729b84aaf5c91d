using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using Parry.Attacks;
using Parry.Catalogs;
using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Tests.Attacks.Conformance;

/// <summary>An attack with random budgets, a random small model and random images.</summary>
/// <param name="Attack">As the catalog reads it.</param>
/// <param name="Shape">Of one image.</param>
/// <param name="Classes">Of the model.</param>
/// <param name="Count">The number of images.</param>
/// <param name="Start">Where a part of the images starts.</param>
/// <param name="Length">How long that part is.</param>
/// <param name="IsLinear">Whether the model is linear.</param>
/// <param name="IsTargeted">Whether the goal is a random class; otherwise it is any but the predicted one.</param>
/// <param name="Limit">The most queries for each image.</param>
/// <param name="Seed">Of the model, the images and the run.</param>
internal sealed record RandomProblem(
    string Attack,
    ImageShape Shape,
    int Classes,
    int Count,
    int Start,
    int Length,
    bool IsLinear,
    bool IsTargeted,
    int Limit,
    int Seed
)
{
    /// <summary>The options that say how long an attack goes on, whatever its limit.</summary>
    private static readonly string[] s_lengths = ["steps", "iterations", "queries", "generations", "draws"];

    internal IClassifier Model =>
        field ??= IsLinear ? new LinearClassifier(Shape, Classes, Seed) : new SmallNetwork(Shape, Classes, Seed);

    /// <summary>Many of the values are at the ends of the box.</summary>
    internal Tensor Images
    {
        get
        {
            if (field is not null)
                return field;
            using var random = new Generator((ulong)Seed);
            Tensor values = rand([Count, Shape.Channels, Shape.Height, Shape.Width], generator: random);
            return field = ((values * 1.4) - 0.2).clamp(0.0, 1.0);
        }
    }

    internal Goal Goal
    {
        get
        {
            Tensor labels = (Model.Predict(Images) + Seed) % Classes;
            return IsTargeted ? Goal.Targeted(labels) : Goal.Untargeted(Model.Predict(Images));
        }
    }

    public static Gen<RandomProblem> For(AttackEntry entry) =>
        from channels in Gen.Elements(1, 3)
        from side in Gen.Choose(3, 7)
        from classes in Gen.Choose(2, 5)
        from count in Gen.Choose(2, 5)
        from start in Gen.Choose(0, count - 1)
        from length in Gen.Choose(1, count - start)
        from isLinear in Gen.Elements(true, false)
        from isTargeted in Gen.Elements(true, false)
        from norm in Gen.Elements<Norm>(entry.AllNorms)
        from budget in Gen.Choose(1, 300)
        from other in Gen.Choose(1, 300)
        from limit in Gen.Choose(1, 25)
        from seed in Gen.Choose(1, 1_000_000)
        select new RandomProblem(
            Text(entry, norm, budget, other),
            new ImageShape(channels, side, side),
            classes,
            count,
            start,
            length,
            isLinear,
            isTargeted,
            limit,
            seed
        );

    /// <summary>Attacks all images, or a part of them.</summary>
    public IReadOnlyList<AttackResult> Run(int start = 0, int? length = null)
    {
        Tensor rows = arange(start, start + (length ?? Count), dtype: ScalarType.Int64);
        var run = new AttackRun(Images.index_select(0, rows), Goal.Select(rows), Seed)
        {
            FirstSample = start,
            Limits = new AttackLimits(Limit),
        };
        return AttackCatalog.Parse(Attack).Run(Model, run);
    }

    private static string Text(AttackEntry entry, Norm norm, int first, int second)
    {
        var options = new List<string>();
        if (entry.HasBudget)
        {
            // Whole pixels of one or three values, or thousandths of the full range.
            double Budget(int number) => norm == Norm.L0 ? 3 * (1 + (number / 100)) : number / 1000.0;
            options.Add(string.Create(CultureInfo.InvariantCulture, $"eps={Budget(first)},{Budget(second)}"));
        }

        if (entry.AllNorms.Count > 1)
            options.Add($"norm={norm}".ToLowerInvariant());
        options.AddRange(entry.Options.Select(option => option.Name).Intersect(s_lengths).Select(name => $"{name}=6"));
        return options.Count == 0 ? entry.Name : $"{entry.Name}:{string.Join(',', options)}";
    }
}
