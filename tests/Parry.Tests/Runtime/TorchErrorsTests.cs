using Parry.Runtime;

namespace Parry.Tests.Runtime;

public class TorchErrorsTests
{
    [Theory]
    [InlineData(
        "mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)\nException raised from meta at "
            + "LinearAlgebra.cpp:202\nframe #0: c10::Error",
        "mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)"
    )]
    [InlineData("\n  Unknown type name 'Bensor':\n  File \"code\", line 6", "Unknown type name 'Bensor':")]
    [InlineData("It is over.", "It is over")]
    [InlineData(
        "The following operation failed in the TorchScript interpreter.\nTraceback of TorchScript (most recent call "
            + "last):\n  File \"a.py\", line 3\nRuntimeError: view size is not compatible",
        "view size is not compatible"
    )]
    public void Of_LibTorchs_words_the_line_that_says_something_is_left(string message, string line) =>
        Assert.Equal(line, TorchErrors.FirstLine(new InvalidOperationException(message)));
}
