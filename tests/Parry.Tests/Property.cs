using FsCheck;
using FsCheck.Fluent;

namespace Parry.Tests;

/// <summary>Checks a property on random cases, the same ones every time.</summary>
internal static class Property
{
    private static readonly Replay s_replay = new(new Rnd(20, 21), null);

    public static void ForAll<T>(Gen<T> cases, int count, Action<T> check) =>
        Prop.ForAll(cases.ToArbitrary(), check)
            .Check(Config.QuickThrowOnFailure.WithMaxTest(count).WithReplay(s_replay));
}
