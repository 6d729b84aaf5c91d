using Parry.Models.Onnx.Files;
using Parry.Models.Onnx.Operators;
using Parry.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Parry.Models.Onnx;

/// <summary>
/// ONNX files as classifiers: finds the input that takes the images, their layout, and the output that holds the
/// scores.
/// </summary>
internal static class OnnxModel
{
    // GiB for the trial runs.
    private const double UsualMemory = 1;

    /// <summary>Loads a file, which the caller owns.</summary>
    /// <param name="path">The file.</param>
    /// <param name="given">What is known about its inputs and outputs; it overrides what the file says.</param>
    /// <param name="images">The shape of the images at hand, for sizes that are open in the file.</param>
    /// <exception cref="InvalidDataException">The file is damaged, hostile, or not an image classifier that can be
    /// run.</exception>
    public static (ImportedClassifier Classifier, Func<IReadOnlyList<ModelLayer>> Layers) Load(
        string path,
        InputContract given,
        ImageShape? images
    )
    {
        OnnxFile file = OnnxFile.Read(path);
        if (file.Inputs.Count != 1)
            throw new InvalidDataException(
                $"it has {file.Inputs.Count} inputs ({string.Join(", ", file.Inputs.Select(input => input.Name))}); "
                    + "expected one, which takes images"
            );
        OnnxPort port = file.Inputs[0];
        InputContract contract = given.Or(InputContract.FromMetadata(file.Metadata));
        long[] sizes = port.Shape ?? [-1, -1, -1, -1];
        if (contract.Layout is null && sizes.Length == 4 && sizes[3] is 1 or 3 && sizes[1] is not (1 or 3))
            contract = contract with { Layout = ImageLayout.Nhwc };
        if (contract.Range is null && port.Type == OnnxType.UInt8)
            contract = contract with { Range = (0, 255) };
        ImageShape shape = ShapeOf(sizes, contract, images);
        if (
            port.Type
            is not (OnnxType.Float or OnnxType.Float16 or OnnxType.BFloat16 or OnnxType.Double or OnnxType.UInt8)
        )
            throw new InvalidDataException(
                $"its input \"{port.Name}\" takes {port.Type}, expected floating-point numbers or UINT8"
            );

        ScalarType type = port.Type == OnnxType.Double ? ScalarType.Float64 : ScalarType.Float32;
        string output = OutputOf(file, contract);
        if (contract.Outputs != OutputKind.Logits && BeforeSoftmax(file, output) is { } scores)
            (output, contract) = (scores, contract with { Outputs = OutputKind.Logits });
        long[] input = sizes.Length switch
        {
            2 => [shape.Pixels],
            3 => [shape.Height, shape.Width],
            _ when contract.Layout == ImageLayout.Nhwc => [shape.Height, shape.Width, shape.Channels],
            _ => [shape.Channels, shape.Height, shape.Width],
        };
        using var guard = new OnnxGuard(contract.Memory ?? UsualMemory);
        var (classifier, network) = sizes[0] <= 0 ? Make(null) : AnyBatch() ?? Make(sizes[0]);
        return (classifier, () => network.Layers(input, type));

        // Many files declare the batch size of their export but can process others.
        (ImportedClassifier, OnnxNetwork)? AnyBatch()
        {
            try
            {
                var any = Make(null);
                if (GivesTheSame(any.Network, input, type, sizes[0]))
                    return any;
                any.Classifier.Dispose();
                return null;
            }
            catch (InvalidDataException)
            {
                return null;
            }
        }

        (ImportedClassifier Classifier, OnnxNetwork Network) Make(long? batch)
        {
            OnnxGuard.Restart();
            var graph = new OnnxGraph(file, port.Name, output);
            OnnxNetwork made;
            try
            {
                if (batch is null && sizes[0] > 0)
                    graph.FreeBatch(sizes[0]);
                made = new OnnxNetwork(graph, input, type, batch);
            }
            catch
            {
                graph.Dispose();
                throw;
            }

            try
            {
                return (ImportedClassifier.Try(path, made, Run, contract, shape), made);
                Tensor Run(Tensor taken) =>
                    made.Run(sizes.Length == 4 ? taken.to(type) : taken.to(type).reshape([taken.size(0), .. input]));
            }
            catch
            {
                made.Dispose();
                throw;
            }
        }
    }

    private static ImageShape ShapeOf(long[] sizes, InputContract contract, ImageShape? images)
    {
        ImageShape? known = contract.Size ?? images;
        long[] found = sizes.Length switch
        {
            4 when contract.Layout == ImageLayout.Nhwc => [sizes[3], sizes[1], sizes[2]],
            4 => sizes[1..],
            3 => [1, sizes[1], sizes[2]],
            2 => [-1, -1, -1],
            _ => throw new InvalidDataException(
                $"its input has the shape [{string.Join(", ", sizes)}]; expected a batch of images, [N, C, H, W], [N, "
                    + "H, W, C], [N, H, W] or [N, pixels]"
            ),
        };
        long[] wanted = known is { } shape ? [shape.Channels, shape.Height, shape.Width] : [-1, -1, -1];
        for (int i = 0; i < 3; i++)
        {
            if (found[i] < 0)
                found[i] = wanted[i];
            else if (contract.Size is not null && wanted[i] != found[i])
                throw new InvalidDataException(
                    $"its input has the shape [{string.Join(", ", sizes)}], which does not fit images of "
                        + $"{contract.Size}"
                );
        }

        if (found.Any(size => size < 0))
            throw new InvalidDataException(
                $"its input has the shape [{string.Join(", ", sizes)}], where -1 is open: give the size of its images "
                    + "(--input-size, such as 3x224x224)"
            );
        if (found.Any(size => size > 1 << 14))
            throw new InvalidDataException(
                $"its input has the shape [{string.Join(", ", sizes)}], which does not fit images"
            );
        var made = new ImageShape((int)found[0], (int)found[1], (int)found[2]);
        if (sizes.Length == 2 && sizes[1] >= 0 && made.Pixels != sizes[1])
            throw new InvalidDataException(
                $"its input takes {sizes[1]} values, but images of {made} have another number: give the size of its "
                    + "images (--input-size)"
            );
        return made;
    }

    // Picks the output with the scores: of several, one named accordingly, otherwise the first of a floating-point
    // type.
    private static string OutputOf(OnnxFile file, InputContract contract)
    {
        if (file.Outputs.Count == 0)
            throw new InvalidDataException("it has no output");
        OnnxPort[] scores =
        [
            .. file.Outputs.Where(port =>
                port.Type is OnnxType.Float or OnnxType.Double or OnnxType.Float16 or OnnxType.BFloat16
                || file.Nodes.Any(node => node.Operator == "ZipMap" && node.Outputs.Contains(port.Name))
            ),
        ];
        if (scores.Length == 0)
            scores = [.. file.Outputs.Where(port => port.Type == OnnxType.Undefined)];
        string[] words =
            contract.Outputs == OutputKind.Probabilities ? ["prob", "softmax"] : ["logit", "prob", "softmax", "score"];
        return words
                .Select(word =>
                    scores.FirstOrDefault(port => port.Name.Contains(word, StringComparison.OrdinalIgnoreCase))
                )
                .FirstOrDefault(port => port is not null)
                ?.Name
            ?? scores.FirstOrDefault()?.Name
            ?? throw new InvalidDataException(
                $"its outputs ({string.Join(", ", file.Outputs.Select(port => $"{port.Name}: {port.Type}"))}) contain "
                    + "no scores: export the logits too; labels alone give an attack no gradients"
            );
    }

    /// <summary>
    /// The input of a final softmax, or of a final sigmoid of a single score. Attacks need it: if a probability rounds
    /// to 1, the softmax has no gradient.
    /// </summary>
    private static string? BeforeSoftmax(OnnxFile file, string output)
    {
        string name = output;
        while (true)
        {
            if (
                file.Nodes.Find(node => node.Outputs.Length > 0 && node.Outputs[0] == name && node.Inputs.Length > 0)
                is not { } node
            )
                return null;
            bool single = file.Outputs.Find(port => port.Name == output)?.Shape is [_, 1];
            bool overClasses = node.Operator == "Softmax" && node.Axis(node.Opset < 13 ? 1 : -1) is 1 or -1;
            if (overClasses || (node.Operator == "Sigmoid" && single))
                return node.Inputs[0];
            if (node.Operator is not ("Identity" or "Cast" or "ZipMap"))
                return null;
            name = node.Inputs[0];
        }
    }

    private static bool GivesTheSame(OnnxNetwork network, long[] input, ScalarType type, long batch)
    {
        OnnxGuard.Claim([batch + 1, .. input]);
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        using var random = Devices.Generator(1);
        Tensor images = rand([batch + 1, .. input], generator: random).to(type);
        Tensor all = network.Run(images);
        Tensor asExported = network.Run(images.slice(0, 0, batch, 1));
        Tensor last = network.Run(images.slice(0, 1, batch + 1, 1));
        double least =
            1e-4
            * Math.Max(
                1,
                all.abs().amax([.. Enumerable.Range(0, all.shape.Length).Select(axis => (long)axis)]).ToDouble()
            );
        return Near(all.slice(0, 0, batch, 1), asExported) && Near(all.slice(0, 1, batch + 1, 1), last);

        bool Near(Tensor first, Tensor second) =>
            first.shape.SequenceEqual(second.shape) && (first - second).abs().reshape(-1).amax([0]).ToDouble() <= least;
    }
}
