namespace Parry.Models.Http;

/// <summary>Models served over HTTP as a format of the catalog.</summary>
internal static class HttpFormat
{
    /// <summary>The format.</summary>
    public static ModelFormat Format { get; } = new("HTTP", "http:// URL", Open) { Prefixes = ["http://", "https://"] };

    private static OpenedModel Open(ModelSource source)
    {
        if (!Uri.TryCreate(source.Location, UriKind.Absolute, out Uri? url))
            throw new UserErrorException(
                $"expected a URL such as http://127.0.0.1:8000/v2/models/NAME, got \"{source.Location}\""
            );
        HttpModel model = HttpModel.Open(
            url,
            source.Http ?? new HttpSettings(),
            source.Contract,
            source.Shape,
            source.Classes,
            source.Cancellation
        );
        return new OpenedModel(model, null, source.Contract with { Size = model.Shape }) { Notes = model.Notes };
    }
}
