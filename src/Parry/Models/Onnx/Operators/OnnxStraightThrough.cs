using Parry.Models.Onnx.Files;
using static TorchSharp.torch;

namespace Parry.Models.Onnx.Operators;

/// <summary>
/// The gradient of the identity in place of one that is zero almost everywhere (a straight-through estimator: Bengio,
/// Léonard, Courville, 2013, 1308.3432).
/// </summary>
internal static class OnnxStraightThrough
{
    /// <summary>The values of one tensor with the gradient of another.</summary>
    public static Tensor Of(Tensor values, Tensor gradient) =>
        gradient.requires_grad ? values.detach() + (gradient - gradient.detach()) : values;

    /// <summary>Whether a node rounds, so that it has no gradient.</summary>
    public static bool Rounds(OnnxNode node) =>
        node.Kind is "Round" or "Floor" or "Ceil" or "Sign"
        || (
            node.Kind == "Cast"
            && (OnnxType)node.Int("to", 1)
                is OnnxType.UInt8
                    or OnnxType.Int8
                    or OnnxType.UInt16
                    or OnnxType.Int16
                    or OnnxType.Int32
                    or OnnxType.Int64
                    or OnnxType.UInt32
                    or OnnxType.UInt64
        );

    /// <summary>The function of a node with the gradient of its first input. Integers stay in floating point.</summary>
    public static OnnxKernel Around(OnnxKernel kernel) =>
        inputs =>
        {
            Tensor x = inputs.At(0).Tensor;
            Tensor[] made = kernel(inputs);
            return x.is_floating_point() ? [Of(made[0].to(x.dtype), x)] : made;
        };
}
