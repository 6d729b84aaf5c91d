using Parry.Attacks;
using Parry.Catalogs;
using Parry.Models;
using Parry.Tests.Snapshots;
using static TorchSharp.torch;

namespace Parry.Tests.Attacks.Conformance;

/// <summary>
/// On a network, whose matrix products LibTorch may compute in one way or another, an image gets the same bits in any
/// batch.
/// </summary>
public sealed class AttackBatchTests
{
    private const int Count = 6;
    private static readonly (int From, int To)[] s_parts = [(0, 1), (1, 3), (3, Count)];

    public static TheoryData<string> Attacks { get; } =
    [
        .. ((IEnumerable<object[]>)AttackConformanceTests.Attacks)
            .Select(row => (string)row[0])
            .Where(text =>
                !text.Contains("LINEAR", StringComparison.Ordinal)
                && !text.StartsWith("ground-truth", StringComparison.Ordinal)
            ),
    ];

    [Theory]
    [MemberData(nameof(Attacks))]
    public void An_image_of_a_network_gets_the_same_bits_in_any_batch(string text)
    {
        using var scope = NewDisposeScope();
        using NetworkClassifier model = AttackSnapshotTests.SmallNetwork();
        Tensor images = MadeImages.Batch(model.Shape, MadeImages.Noise(model.Shape, Count, seed: 22));
        Tensor labels = ((IClassifier)model).Predict(images);
        var goal = Goal.Untargeted(labels);
        AttackSpec attack = AttackCatalog.Parse(text).Train(model, new AttackRun(images, goal, 1));
        IReadOnlyList<AttackResult> whole = attack.Run(model, new AttackRun(images, goal, 1));
        foreach (var (from, to) in s_parts)
        {
            Tensor rows = arange(from, to, dtype: ScalarType.Int64);
            var run = new AttackRun(images.index_select(0, rows), goal.Select(rows), 1) { FirstSample = from };
            ResultChecks.AreThePart(whole, attack.Run(model, run), from);
        }
    }
}
