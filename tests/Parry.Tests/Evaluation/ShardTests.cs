using Parry.Evaluation;

namespace Parry.Tests.Evaluation;

public sealed class ShardTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(100)]
    public void Shards_take_every_item_once_in_order_and_about_as_many_each(int items)
    {
        int[] all = [.. Enumerable.Range(0, items)];
        for (int count = 1; count < 12; count++)
        {
            int[][] shares = [.. Enumerable.Range(0, count).Select(i => new Shard(i, count).Of(all).ToArray())];
            Assert.Equal(all, shares.SelectMany(share => share));
            Assert.InRange(shares.Max(share => share.Length) - shares.Min(share => share.Length), 0, 1);
        }
    }

    [Theory]
    [InlineData("3/8", 2, 8)]
    [InlineData("1/1", 0, 1)]
    public void A_shard_is_written_as_its_number_and_their_count(string text, int index, int count) =>
        Assert.Equal(new Shard(index, count), Shard.Parse(text));

    [Theory]
    [InlineData("0/3")]
    [InlineData("4/3")]
    [InlineData("1")]
    [InlineData("1/2/3")]
    [InlineData("-1/3")]
    [InlineData("a/b")]
    public void Other_texts_are_refused(string text) =>
        Assert.Contains(
            "3/8",
            Assert.Throws<UserErrorException>(() => Shard.Parse(text)).Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void A_task_of_a_Slurm_array_is_a_shard()
    {
        var task = new Dictionary<string, string>
        {
            ["SLURM_ARRAY_TASK_ID"] = "14",
            ["SLURM_ARRAY_TASK_MIN"] = "10",
            ["SLURM_ARRAY_TASK_STEP"] = "2",
            ["SLURM_ARRAY_TASK_COUNT"] = "6",
        };
        Assert.Equal(new Shard(2, 6), Shard.OfEnvironment(task.GetValueOrDefault));
        task["SLURM_ARRAY_TASK_COUNT"] = "2";
        Assert.Throws<UserErrorException>(() => Shard.OfEnvironment(task.GetValueOrDefault));
    }

    [Fact]
    public void A_task_of_an_indexed_job_is_a_shard_where_their_number_is_known()
    {
        var task = new Dictionary<string, string> { ["JOB_COMPLETION_INDEX"] = "3" };
        var error = Assert.Throws<UserErrorException>(() => Shard.OfEnvironment(task.GetValueOrDefault));
        Assert.Contains("PARRY_SHARDS", error.Message, StringComparison.Ordinal);
        task["PARRY_SHARDS"] = "4";
        Assert.Equal(new Shard(3, 4), Shard.OfEnvironment(task.GetValueOrDefault));
    }

    [Fact]
    public void Elsewhere_there_is_no_shard() => Assert.Null(Shard.OfEnvironment(_ => null));
}
