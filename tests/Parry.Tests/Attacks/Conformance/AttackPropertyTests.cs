using Parry.Attacks;
using Parry.Catalogs;
using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Tests.Attacks.Conformance;

/// <summary>
/// What holds of every attack that needs no training, with its default settings and a limit on queries that keeps it
/// cheap, for random models, images, budgets and seeds.
/// </summary>
public class AttackPropertyTests
{
    private const int Cases = 5;

    // The mixed-integer programs answer to time instead of queries; the other needs models to be named.
    private static readonly string[] s_excluded = ["ground-truth", "transfer"];

    public static TheoryData<string> Attacks { get; } =
        new(
            AttackCatalog
                .All.Where(entry => entry.Default is not ITrainedAttack<IClassifier>)
                .Select(entry => entry.Name)
                .Except(s_excluded)
        );

    [Theory]
    [MemberData(nameof(Attacks))]
    public void Results_stay_in_the_box_and_the_budget_and_say_the_truth(string attack) =>
        ForAll(
            attack,
            problem =>
            {
                foreach (AttackResult result in problem.Run())
                {
                    ResultChecks.AreInTheBoxAndTheBudget(result);
                    ResultChecks.AreTrue(result, problem.Model, problem.Images, problem.Goal);
                }
            }
        );

    [Theory]
    [MemberData(nameof(Attacks))]
    public void A_part_of_the_images_gets_what_it_gets_in_the_whole(string attack) =>
        ForAll(
            attack,
            problem => ResultChecks.AreThePart(problem.Run(), problem.Run(problem.Start, problem.Length), problem.Start)
        );

    [Theory]
    [MemberData(nameof(Attacks))]
    public void Each_image_gets_by_itself_what_it_gets_in_the_whole(string attack) =>
        ForAll(
            attack,
            problem =>
            {
                IReadOnlyList<AttackResult> whole = problem.Run();
                for (int row = 0; row < problem.Count; row++)
                    ResultChecks.AreThePart(whole, problem.Run(row, 1), row);
            }
        );

    [Theory]
    [MemberData(nameof(Attacks))]
    public void The_same_seed_gives_the_same_result(string attack) =>
        ForAll(attack, problem => ResultChecks.AreThePart(problem.Run(), problem.Run(), from: 0));

    private static void ForAll(string attack, Action<RandomProblem> check) =>
        Property.ForAll(
            RandomProblem.For(AttackCatalog.Find(attack)),
            Cases,
            problem =>
            {
                using var scope = NewDisposeScope();
                check(problem);
            }
        );
}
