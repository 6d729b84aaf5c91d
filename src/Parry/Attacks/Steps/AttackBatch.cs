using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Attacks.Steps;

/// <summary>
/// The rows that an attack works on: images, with the model, the goal and the random draws that are bound to just these
/// rows.
/// </summary>
internal sealed record AttackBatch<TModel>(TModel Model, Tensor Images, Goal Goal, SampleRandom Random)
    where TModel : IPredictor
{
    /// <summary>The number of rows.</summary>
    public int Count => (int)Images.size(0);

    /// <summary>Some of the rows.</summary>
    public AttackBatch<TModel> Select(long[] rows)
    {
        long[] samples = Random.Samples.ToArray().At(rows);
        return new(Model.For(samples), Images.At(rows), Goal.Select(tensor(rows)), Random.For(samples));
    }

    /// <summary>
    /// Some of the rows; the images of all are freed, so that memory stays flat while rows leave one after the other.
    /// </summary>
    public AttackBatch<TModel> Narrow(long[] rows)
    {
        using (Images)
            return Select(rows);
    }

    /// <summary>Every row repeated, copies next to each other. The copies of a sample share its random draws.</summary>
    public AttackBatch<TModel> Repeat(int times) =>
        Select([.. Rows.All(Count).SelectMany(row => Enumerable.Repeat(row, times))]);
}
