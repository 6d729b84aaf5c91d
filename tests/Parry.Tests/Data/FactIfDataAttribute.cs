using Parry.Data;

namespace Parry.Tests.Data;

/// <summary>A test on a real data set, skipped where the set is not on this machine.</summary>
internal sealed class FactIfDataAttribute : FactAttribute
{
    public FactIfDataAttribute(string name, DataPart part = DataPart.Test)
    {
        try
        {
            _ = DataLocator.Find(DataSets.ByName(name), part);
        }
        catch (UserErrorException e)
        {
            Skip = e.Message;
        }
    }
}
