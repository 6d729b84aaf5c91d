namespace Parry.Models;

/// <summary>
/// A model that must know which samples the rows of a batch are: because it counts per sample, or because its random
/// draws belong to a sample and must not depend on the batch the sample happens to be in.
/// </summary>
public interface IPerSample
{
    /// <summary>
    /// The same model for a batch whose rows are these samples, several rows in turn for one sample allowed.
    /// </summary>
    IPredictor For(ReadOnlyMemory<long> samples);
}

/// <summary>Binds a model to the samples of a batch where that makes a difference.</summary>
public static class PerSample
{
    /// <summary>
    /// The model for a batch whose rows are these samples; the model itself when it treats all rows alike.
    /// </summary>
    public static TModel For<TModel>(this TModel model, ReadOnlyMemory<long> samples)
        where TModel : IPredictor => model is IPerSample bound ? (TModel)bound.For(samples) : model;
}
