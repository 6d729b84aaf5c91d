using Parry.Reports;
using Parry.Reports.Html;

namespace Parry.Tests.Reports;

public class ComparisonPageTests
{
    [Fact]
    public void Code_in_a_note_is_shown_as_code_and_markup_in_it_is_not()
    {
        var table = new ComparisonTable
        {
            Title = "A table",
            Source = "A paper",
            Measure = "Accuracy",
            Coverage = "0 of 0 numbers measured",
            Columns = [],
            Rows = [],
            Notes = ["Trained with `--device <cuda>` only.", "Plain <b>."],
        };

        string page = ComparisonPage.Render(table);

        Assert.Contains(
            "<li>Trained with <code>--device &lt;cuda&gt;</code> only.</li>",
            page,
            StringComparison.Ordinal
        );
        Assert.Contains("<li>Plain &lt;b&gt;.</li>", page, StringComparison.Ordinal);
    }
}
