using Parry.Runtime;

namespace Parry.Models.TorchScript;

/// <summary>Says why a TorchScript file cannot be used, and what to do.</summary>
internal static class TorchScriptFailure
{
    private const int LongestReason = 200;

    // What LibTorch says when the numbers of values do not fit.
    private static readonly string[] s_size =
    [
        "shapes cannot be multiplied",
        "is invalid for input of size",
        "Kernel size can't be greater",
        "to have",
        "size mismatch",
        "must match the size of tensor",
        "Output size is too small",
        "is too small",
        "size of tensor",
        "normalized_shape",
        "channels",
        "same number of dimensions",
        "split_with_sizes expects",
    ];

    /// <summary>The failure of a module that could not be run on images.</summary>
    /// <param name="shape">The shape of the images.</param>
    /// <param name="reason">What LibTorch says.</param>
    /// <param name="recipe">How to export a module.</param>
    /// <param name="cause">LibTorch's error.</param>
    public static InvalidDataException NotTaken(ImageShape shape, string reason, string recipe, Exception cause)
    {
        string quoted = $"({PlainText.Excerpt(reason, LongestReason)})";
        string text;
        if (Says("CUDA") || Says("NVIDIA") || Says("cuda"))
            text = $"it was traced on a GPU, and its code names that device: {recipe} with the model on the CPU";
        else if (Says("same dtype") || Says("scalar type") || Says("should be the same") || Says("not implemented for"))
            text =
                $"it mixes types of numbers, or computes in one that this device cannot {quoted}: export it in float32 "
                + $"(model.float()), then {recipe}";
        else if (Says("view size is not compatible"))
            text =
                $"it calls view on maps that do not lie in memory in their order {quoted}: use reshape in its place, "
                + "and export it again";
        else if (Array.Exists(s_size, Says))
            text =
                $"it does not take images of {shape} {quoted}: give its own size (--input-size), or a model for this "
                + "data";
        else
            text = $"it fails on images of {shape} {quoted}: export it again after it ran on such images in Python";
        return new InvalidDataException(text, cause);

        bool Says(string words) => reason.Contains(words, StringComparison.Ordinal);
    }

    /// <summary>The failure of a module that could not be loaded.</summary>
    public static InvalidDataException Lacking(string reason, string recipe, Exception? cause) =>
        new(
            "it needs operators that this LibTorch does not have, or is damaged "
                + $"({PlainText.Excerpt(reason, LongestReason)}): {recipe}, with a PyTorch no newer than this LibTorch "
                + $"({TorchLibrary.Version})",
            cause
        );
}
