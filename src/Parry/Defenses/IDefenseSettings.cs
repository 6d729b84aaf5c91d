namespace Parry.Defenses;

/// <summary>The options of a defense, a record whose properties have <see cref="Options.OptionAttribute"/>.</summary>
public interface IDefenseSettings
{
    /// <summary>Makes the defense and loads what it needs.</summary>
    /// <param name="context">What it is for.</param>
    /// <exception cref="UserErrorException">The settings do not fit one another, or a network is missing or does not
    /// fit.</exception>
    DefenseSpec Create(DefenseContext context);
}
