using Parry.Tests.Data;

namespace Parry.Tests.Models;

/// <summary>A test that is skipped where a public network, or the images it is for, is not on this machine.</summary>
internal sealed class FactIfModelAttribute : FactAttribute
{
    /// <param name="model">A file in the folder models beside $PARRY_DATA.</param>
    /// <param name="data">A data set; null for none.</param>
    public FactIfModelAttribute(string model, string? data = null)
    {
        if (Find(model) is null)
            Skip = $"{model} is not in a folder models beside $PARRY_DATA.";
        else if (data is not null)
            Skip = new FactIfDataAttribute(data).Skip;
    }

    /// <summary>The file; null if it is not there.</summary>
    public static string? Find(string model) =>
        PublicModels.Folder is not null && File.Exists(PublicModels.File(model)) ? PublicModels.File(model) : null;
}
