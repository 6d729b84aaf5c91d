namespace Parry.Data;

/// <summary>How the published training images are cut into those that train and those that validate.</summary>
/// <param name="ValidationCount">How many images validate.</param>
/// <param name="ValidationFirst">Whether these are the first ones or the last.</param>
public sealed record Split(int ValidationCount, bool ValidationFirst)
{
    /// <summary>Every image trains and none validates.</summary>
    public static Split Whole { get; } = new(0, ValidationFirst: false);

    /// <summary>Defense-GAN (Samangouei et al. 2018): the last 10,000 validate.</summary>
    public static Split DefenseGan { get; } = new(10_000, ValidationFirst: false);

    /// <summary>MagNet (Meng and Chen 2017) and Carlini and Wagner (2017): the first 5,000 validate.</summary>
    public static Split MagNet { get; } = new(5_000, ValidationFirst: true);

    /// <summary>The robust manifold defense (Ilyas et al. 2017): the last 5,000 validate.</summary>
    public static Split RobustManifold { get; } = new(5_000, ValidationFirst: false);

    /// <summary>The images that train.</summary>
    /// <exception cref="UserErrorException">The set is too small to leave any.</exception>
    public ImageSet Train(ImageSet published)
    {
        CheckCount(published);
        return published.Slice(ValidationFirst ? ValidationCount : 0, published.Count - ValidationCount);
    }

    /// <summary>The images that validate.</summary>
    /// <exception cref="UserErrorException">The split leaves none to validate, or the set is too small.</exception>
    public ImageSet Validation(ImageSet published)
    {
        CheckCount(published);
        return ValidationCount > 0
            ? published.Slice(ValidationFirst ? 0 : published.Count - ValidationCount, ValidationCount)
            : throw new UserErrorException(
                $"expected a split with validation images of {published.Name}, got one that trains on all: choose "
                    + $"another split"
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
