using Parry.Options;
using static TorchSharp.torch;

namespace Parry.Catalogs;

/// <summary>The type of the numbers that a computation uses, as an option's text.</summary>
internal static class NumberType
{
    private static readonly Dictionary<string, ScalarType> s_types = new()
    {
        ["float32"] = ScalarType.Float32,
        ["bfloat16"] = ScalarType.BFloat16,
    };

    /// <summary>Reads and writes such texts.</summary>
    public static OptionConverter Converter { get; } =
        new(
            string.Join(" or ", s_types.Keys),
            text => s_types.TryGetValue(text, out ScalarType type) ? type : null,
            value => s_types.First(pair => pair.Value == (ScalarType)value).Key
        );
}
