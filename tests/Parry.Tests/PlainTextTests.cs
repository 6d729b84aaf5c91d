namespace Parry.Tests;

public sealed class PlainTextTests
{
    [Theory]
    [InlineData(
        "plain, with ümlauts, 漢字 and \U0001F600\n\tlines",
        "plain, with ümlauts, 漢字 and \U0001F600\n\tlines"
    )]
    [InlineData("\u001b[31mred\u001b]0;title\u0007", "\\x1b[31mred\\x1b]0;title\\x07")]
    [InlineData("\u009b31m \u0000\u007f\u0008", "\\x9b31m \\x00\\x7f\\x08")]
    [InlineData("over\rwritten\r\nnext", "over\\x0dwritten\r\nnext")]
    [InlineData("ab\u202egnp.exe", "ab\\u202egnp.exe")]
    [InlineData("a\u2028b\u2066c\u200ed", "a\\u2028b\\u2066c\\u200ed")]
    public void What_a_terminal_would_obey_is_escaped(string text, string shown) =>
        Assert.Equal(shown, PlainText.Escape(text));

    [Theory]
    [InlineData("\u001b[31mred\u001b[0m \u001b[1;4m", "\u001b[31mred\u001b[0m \u001b[1;4m")]
    [InlineData("\u001b[2J\u001b[31", "\\x1b[2J\\x1b[31")]
    [InlineData("\u001b[31mred\u001b]0;title\u0007", "\u001b[31mred\\x1b]0;title\\x07")]
    public void Colors_stay_where_they_are_wanted(string text, string shown) =>
        Assert.Equal(shown, PlainText.Escape(text, keepColors: true));

    [Fact]
    public void What_is_not_seen_is_escaped_but_for_joiners()
    {
        Assert.Equal("\\ufeffl2\\u200b", PlainText.Escape("\ufeffl2\u200b"));
        Assert.Equal("a\u200cb\u200dc", PlainText.Escape("a\u200cb\u200dc"));
    }

    [Fact]
    public void An_excerpt_is_short_and_on_one_line()
    {
        Assert.Equal("a\\x0d\\x0ab\\x09\\x1b…", PlainText.Excerpt("a\r\nb\t\u001b[31m", 6));
        Assert.Equal("a b c", PlainText.OneLine(" a\r\n b\tc "));
    }

    [Fact]
    public void A_long_text_is_cut_between_characters()
    {
        Assert.Equal("abc", PlainText.Cut("abc", 3));
        Assert.Equal("abc…", PlainText.Cut("abcd", 3));
        Assert.Equal("ab…", PlainText.Cut("ab\U0001F600d", 3));
    }
}
