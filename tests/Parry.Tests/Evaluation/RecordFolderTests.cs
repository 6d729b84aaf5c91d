using Parry.Attacks.WhiteBox;
using Parry.Data;
using Parry.Defenses;
using Parry.Evaluation;
using Parry.Tests.Attacks;
using Parry.Tests.Data;

namespace Parry.Tests.Evaluation;

/// <summary>Evaluations that keep their records in a folder: 250 images in three ranges.</summary>
public sealed class RecordFolderTests : IDisposable
{
    private static readonly ImageShape s_shape = new(1, 4, 4);

    private readonly TemporaryFolder _folder = new();
    private readonly CountingClassifier _model = new(new LinearClassifier(s_shape));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_was_measured_is_taken_over_and_the_model_is_not_asked_again()
    {
        EvaluationFindings first = Evaluate();
        long asked = _model.Queries;
        EvaluationFindings again = Evaluate();
        Assert.Equal(asked, _model.Queries);
        Same(first, again);
    }

    [Fact]
    public void An_evaluation_that_was_stopped_anywhere_ends_like_one_that_was_not()
    {
        EvaluationFindings expected = Evaluator.Run(Plan());
        for (int stage = 1; stage < 40; stage += 3)
        {
            using var folder = new TemporaryFolder();
            using var stop = new CancellationTokenSource();
            var stopping = new StopAt(stage, stop);
            try
            {
                new Evaluator(Plan(), Open(folder.Path)).Evaluate(stopping, stop.Token);
            }
            catch (OperationCanceledException)
            {
                Assert.True(stop.IsCancellationRequested);
            }

            var resumed = new Evaluator(Plan(), Open(folder.Path));
            Same(expected, resumed.Evaluate());
            Assert.True(stage == 1 || resumed.TakenOver > 0);
        }
    }

    [Fact]
    public void Only_the_range_that_is_missing_is_measured()
    {
        EvaluationFindings first = Evaluate();
        string missing = Directory.GetFiles(_folder.Path, "000100.jsonl", SearchOption.AllDirectories).Min()!;
        string before = WithoutSeconds(File.ReadAllText(missing));
        File.Delete(missing);
        var evaluator = new Evaluator(Plan(), Open());
        Same(first, evaluator.Evaluate());
        Assert.Equal(before, WithoutSeconds(File.ReadAllText(missing)));
        Assert.Equal(
            Directory.GetFiles(_folder.Path, "0*.jsonl", SearchOption.AllDirectories).Length - 1,
            evaluator.TakenOver
        );
    }

    [Fact]
    public void A_file_that_was_cut_or_edited_is_named()
    {
        Evaluate();
        foreach (string file in Directory.GetFiles(_folder.Path, "*.json*", SearchOption.AllDirectories))
        {
            byte[] whole = File.ReadAllBytes(file);
            foreach (byte[] damaged in new[] { whole[..(whole.Length / 2)], [], Edited(whole) })
            {
                File.WriteAllBytes(file, damaged);
                var error = Assert.Throws<UserErrorException>(() => Evaluate());
                Assert.Contains(file, error.Message, StringComparison.Ordinal);
                Assert.Contains("cut or edited", error.Message, StringComparison.Ordinal);
            }

            File.WriteAllBytes(file, whole);
        }
    }

    [Fact]
    public void Another_plan_is_refused_with_the_difference_and_one_with_more_attacks_goes_on()
    {
        Evaluate();
        var error = Assert.Throws<UserErrorException>(() => Open(_folder.Path, ("seed", "2")));
        Assert.Contains("seed was 1, now 2", error.Message, StringComparison.Ordinal);
        long asked = _model.Queries;
        RecordFolder more = Open(_folder.Path, ("attack half", "half"));
        EvaluationPlan plan = Plan() with { Attacks = [.. Plan().Attacks, new("half", new Half(), [0.1])] };
        EvaluationFindings found = new Evaluator(plan, more).Evaluate();
        Assert.Equal(Evaluator.Run(plan with { Model = new LinearClassifier(s_shape) }).Rows.Count, found.Rows.Count);
        Assert.InRange(_model.Queries - asked, 1, asked);
    }

    [Fact]
    public void Fresh_records_replace_earlier_ones_and_nothing_else()
    {
        Evaluate();
        string mine = Path.Combine(_folder.Path, "cells", "mine.txt");
        File.WriteAllText(mine, "kept");
        long asked = _model.Queries;
        new Evaluator(Plan(), RecordFolder.Open(_folder.Path, Content(("seed", "2")), fresh: true)).Evaluate();
        Assert.Equal(2 * asked, _model.Queries);
        Assert.True(File.Exists(mine));
    }

    [Fact]
    public void What_an_attack_learns_it_learns_once_for_all_shards()
    {
        EvaluationPlan plan = WithLearner(out EvaluatorTrainingTests.Learner alone);
        EvaluationFindings expected = new Evaluator(plan).Evaluate();
        Assert.Equal(2, alone.Seen.Count);
        plan = WithLearner(out EvaluatorTrainingTests.Learner shared);
        for (int shard = 0; shard < 3; shard++)
            new Evaluator(plan, OpenForLearner()) { Shard = new Shard(shard, 3) }.Evaluate();
        EvaluationFindings merged = new Evaluator(plan, OpenForLearner()) { OnlyCollects = true }.Evaluate();
        Assert.Equal(2, shared.Seen.Count);
        Assert.Equal(expected.Rows.Select(Timeless), merged.Rows.Select(Timeless));
    }

    [Fact]
    public void Preparing_has_attacks_learn_and_measures_nothing()
    {
        EvaluationPlan plan = WithLearner(out EvaluatorTrainingTests.Learner learner);
        new Evaluator(plan, OpenForLearner()) { OnlyPrepares = true }.Evaluate();
        Assert.Equal(2, learner.Seen.Count);
        Assert.False(Directory.Exists(Path.Combine(_folder.Path, "cells")));
        new Evaluator(plan, OpenForLearner()).Evaluate();
        Assert.Equal(2, learner.Seen.Count);
        new Evaluator(
            plan,
            RecordFolder.Open(_folder.Path, Content(("attack learner", "learner")), fresh: true)
        ).Evaluate();
        Assert.Equal(4, learner.Seen.Count);
    }

    [Fact]
    public void A_file_of_what_an_attack_learned_that_was_cut_is_named()
    {
        EvaluationPlan plan = WithLearner(out _);
        new Evaluator(plan, OpenForLearner()) { OnlyPrepares = true }.Evaluate();
        string file = Directory.GetFiles(Path.Combine(_folder.Path, "learned")).Min()!;
        File.WriteAllBytes(file, File.ReadAllBytes(file)[..^2]);
        var error = Assert.Throws<IOException>(() => new Evaluator(plan, OpenForLearner()).Evaluate());
        Assert.Contains($"'{file}' does not hold what learner learned", error.Message, StringComparison.Ordinal);
    }

    private EvaluationPlan WithLearner(out EvaluatorTrainingTests.Learner learner)
    {
        learner = new EvaluatorTrainingTests.Learner();
        EvaluationPlan plan = Plan();
        return plan with { TrainingImages = plan.Images, Attacks = [new("learner", learner, [0.1])] };
    }

    private RecordFolder OpenForLearner() => Open(_folder.Path, ("attack learner", "learner"));

    private EvaluationFindings Evaluate() => new Evaluator(Plan(), Open()).Evaluate();

    private RecordFolder Open() => Open(_folder.Path);

    private static RecordFolder Open(string path, params (string, string)[] changes) =>
        RecordFolder.Open(path, Content(changes));

    private static Dictionary<string, string> Content(params (string Name, string Value)[] changes)
    {
        var content = new Dictionary<string, string>
        {
            ["seed"] = "1",
            ["attack fgsm"] = "fgsm",
            ["attack smallest"] = "smallest",
            ["defense nothing"] = "nothing",
        };
        foreach (var (name, value) in changes)
            content[name] = value;
        return content;
    }

    private EvaluationPlan Plan()
    {
        var random = new Random(3);
        byte[] pixels = new byte[250 * 16];
        random.NextBytes(pixels);
        int[] labels = [.. Enumerable.Range(0, 250).Select(_ => random.Next(3))];
        return new EvaluationPlan
        {
            ModelName = "linear",
            Model = _model,
            DataName = "made",
            Images = new ImageSet("made", s_shape, pixels, labels, ["a", "b", "c"]),
            Attacks = [new("fgsm", new FastGradientSign(), [0.02, 0.1]), new("smallest", new DeepFool())],
            Defenses = [new DefenseSpec { Name = "nothing", Purifier = Purifier.Nothing }],
            Seed = 1,
        };
    }

    private static void Same(EvaluationFindings expected, EvaluationFindings found)
    {
        Assert.Equal(expected.Rows.Select(Timeless), found.Rows.Select(Timeless));
        Assert.Equal(expected.Rocs.Select(roc => roc.Auc), found.Rocs.Select(roc => roc.Auc));
        Assert.Equal(expected.Warnings, found.Warnings);
        Assert.Equal(expected.Notes, found.Notes);
        Assert.Equal(expected.Gallery.Count, found.Gallery.Count);
    }

    private static EvaluationRow Timeless(EvaluationRow row) => row with { Seconds = 0 };

    private static string WithoutSeconds(string lines) =>
        string.Join('\n', lines.Split('\n').Where(line => line.StartsWith("{\"sample\"", StringComparison.Ordinal)));

    private static byte[] Edited(byte[] whole)
    {
        byte[] edited = [.. whole];
        int digit = Array.FindIndex(edited, value => value is >= (byte)'0' and < (byte)'9');
        edited[digit]++;
        return edited;
    }

    private sealed class StopAt(int stage, CancellationTokenSource stop) : IProgress<EvaluationProgress>
    {
        private int _begun;

        public void Report(EvaluationProgress value)
        {
            if (++_begun == stage)
                stop.Cancel();
        }
    }
}
