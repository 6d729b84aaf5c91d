namespace Parry.Defenses;

/// <summary>The options of a defense, a record whose properties have <see cref="Options.OptionAttribute"/>.</summary>
public interface IDefenseSettings
{
    /// <summary>Makes the defense and loads what it needs.</summary>
    /// <param name="context">The data and the classifier that are defended.</param>
    /// <exception cref="UserErrorException">The settings contradict each other, or a network is missing or does not fit
    /// the data.</exception>
    DefenseSpec Create(DefenseContext context);
}
