namespace Parry.Models.Architectures;

/// <summary>The normalization of torchvision's networks for ImageNet.</summary>
internal static class ImageNet
{
    public static InputContract Contract { get; } = new() { Mean = [0.485, 0.456, 0.406], Std = [0.229, 0.224, 0.225] };
}
