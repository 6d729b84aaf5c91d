using Parry.Generative.Gans;

namespace Parry.Tests.Generative;

public class GanWarningsTests
{
    [Fact]
    public void A_generator_without_gradient_against_a_discriminator_without_loss_warns()
    {
        GanLogRow[] won = Rows(10, i => i < 5 ? (1.2, 0.5) : (0.01, 0.001));
        Assert.Contains("it has won", GanWarnings.VanishingGradient(won), StringComparison.Ordinal);

        Assert.Null(GanWarnings.VanishingGradient(Rows(10, i => i < 5 ? (1.2, 0.5) : (0.8, 0.001))));
        Assert.Null(GanWarnings.VanishingGradient(Rows(10, i => i < 5 ? (1.2, 0.5) : (0.01, 0.4))));
        Assert.Null(GanWarnings.VanishingGradient(won[..9]));
    }

    [Fact]
    public void A_gradient_that_bursts_warns()
    {
        Assert.Contains(
            "bursts",
            GanWarnings.Divergence(Rows(6, i => (1, i < 5 ? 1 : 2000))),
            StringComparison.Ordinal
        );
        Assert.Null(GanWarnings.Divergence(Rows(6, i => (1, i < 5 ? 1 : 20))));
    }

    [Fact]
    public void Classes_without_one_sample_in_a_hundred_are_not_covered()
    {
        Assert.Equal(3, GanWarnings.ClassesCovered([50, 48, 1, 0]) + GanWarnings.ClassesCovered([0, 0]));
        Assert.Equal(2, GanWarnings.ClassesCovered([100, 199, 2, 0]));
        Assert.Contains("2 of 4 classes", GanWarnings.ModeCollapse([100, 199, 2, 0]), StringComparison.Ordinal);
        Assert.Null(GanWarnings.ModeCollapse([9, 8, 7, 9]));
    }

    [Fact]
    public void A_log_holds_means_of_ten_steps_and_comes_back_with_the_steps_that_fill_no_row_yet()
    {
        var log = new GanLog();
        for (int i = 1; i <= 35; i++)
        {
            log.Add(i, new GanStep(i, 2 * i, 3, 4));
            if (i == 20)
                log.Judge(9);
        }

        Assert.Equal(
            [(10, 5.5, (int?)null), (20, 15.5, 9), (30, 25.5, null)],
            log.Rows.Select(row => (row.Iteration, row.Mean.DiscriminatorLoss, row.Classes))
        );
        Assert.Equal(
            "iteration,discriminator_loss,generator_loss,discriminator_gradient,generator_gradient,classes\n"
                + "10,5.5,11,3,4,\n20,15.5,31,3,4,9\n30,25.5,51,3,4,\n",
            log.Text
        );
        var resumed = GanLog.Parse(log.State);
        Assert.Equal(log.Rows, resumed.Rows);
        for (int i = 36; i <= 40; i++)
        {
            log.Add(i, new GanStep(1.0 / i, 0, 0, 0));
            resumed.Add(i, new GanStep(1.0 / i, 0, 0, 0));
        }

        Assert.Equal(log.Rows, resumed.Rows);
        Assert.Equal(log.State, resumed.State);
        Assert.Throws<FormatException>(() => GanLog.Parse("header\n1,2\n"));
    }

    private static GanLogRow[] Rows(int count, Func<int, (double Loss, double Gradient)> at) =>
        [
            .. Enumerable
                .Range(0, count)
                .Select(i => new GanLogRow(10 * (i + 1), new GanStep(at(i).Loss, 1, 1, at(i).Gradient))),
        ];
}
