namespace Parry.Data;

/// <summary>How the published training images are split into training and validation images.</summary>
/// <param name="ValidationCount">The number of validation images.</param>
/// <param name="ValidationFirst">Whether the validation images are the first ones or the last.</param>
public sealed record Split(int ValidationCount, bool ValidationFirst)
{
    /// <summary>All images are training images; there are no validation images.</summary>
    public static Split Whole { get; } = new(0, ValidationFirst: false);

    /// <summary>Defense-GAN (Samangouei et al. 2018): the last 10,000 are validation images.</summary>
    public static Split DefenseGan { get; } = new(10_000, ValidationFirst: false);

    /// <summary>
    /// MagNet (Meng and Chen 2017) and Carlini and Wagner (2017): the first 5,000 are validation images.
    /// </summary>
    public static Split MagNet { get; } = new(5_000, ValidationFirst: true);

    /// <summary>The robust manifold defense (Ilyas et al. 2017): the last 5,000 are validation images.</summary>
    public static Split RobustManifold { get; } = new(5_000, ValidationFirst: false);

    /// <summary>The training images.</summary>
    /// <exception cref="UserErrorException">The set is too small.</exception>
    public ImageSet Train(ImageSet published)
    {
        CheckCount(published);
        return published.Slice(ValidationFirst ? ValidationCount : 0, published.Count - ValidationCount);
    }

    /// <summary>The validation images.</summary>
    /// <exception cref="UserErrorException">The split has no validation images, or the set is too small.</exception>
    public ImageSet Validation(ImageSet published)
    {
        CheckCount(published);
        return ValidationCount > 0
            ? published.Slice(ValidationFirst ? 0 : published.Count - ValidationCount, ValidationCount)
            : throw new UserErrorException(
                $"expected a split of {published.Name} with validation images, got one without: choose another split"
            );
    }

    private void CheckCount(ImageSet published)
    {
        if (published.Count <= ValidationCount)
        {
            throw new UserErrorException(
                $"expected more than the {ValidationCount} images that the split validates on, got "
                    + $"{published.Count} in {published.Name}: choose another split"
            );
        }
    }
}
