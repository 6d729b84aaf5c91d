using Parry.Catalogs;
using Parry.Defenses;
using Parry.Defenses.Purifiers;
using Parry.Generative;
using Parry.Generative.Gans;
using Parry.Models.Files;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Generative;

/// <summary>Generators of any kind as what images are projected onto.</summary>
public sealed class LatentNetworkTests : IDisposable
{
    private const int Latent = 6;

    private static readonly ImageShape s_shape = new(1, 28, 28);

    private readonly string _folder = Directory.CreateTempSubdirectory("parry-latent-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(GanKind.Gan)]
    [InlineData(GanKind.Dcgan)]
    [InlineData(GanKind.Wgan)]
    [InlineData(GanKind.Hinge)]
    public void Defense_gan_projects_onto_a_generator_of_any_kind(GanKind kind)
    {
        using var scope = NewDisposeScope();
        using var context = new DefenseContext("mnist", s_shape, 10);
        DefenseSpec few = DefenseCatalog.Parse($"defense-gan:gan={Saved(kind)},l=2,r=4,rate=100", context);
        DefenseSpec many = DefenseCatalog.Parse($"defense-gan:gan={Saved(kind)},l=60,r=4,rate=100", context);
        Tensor images = ((DefenseGan)many.Purifier!).Generator.Generate(new SampleRandom(3, Samples).Normal(0, Latent));

        double before = few.Purifier!.Purify(images, new SampleRandom(4, Samples)).Errors.mean().Item();
        double after = many.Purifier.Purify(images, new SampleRandom(4, Samples)).Errors.mean().Item();
        Assert.True(after < before, $"{kind}: the error is {after} after 60 steps and {before} after 2");
    }

    [Fact]
    public void A_latent_gradient_is_that_of_finite_differences()
    {
        using var scope = NewDisposeScope();
        ILatentModel model = Generators.OpenLatentModel(Saved(GanKind.Wgan));
        using var owned = (IDisposable)model;
        Tensor latents = new SampleRandom(5, new long[] { 0 }).Normal(0, Latent);
        Tensor direction = new SampleRandom(6, new long[] { 0 }).Normal(0, Latent);
        Drawing drawing = model.Draw(latents);
        double slope = (drawing.LatentGradient(ones_like(drawing.Images)) * direction).sum().Item();
        const double step = 1e-2;
        double difference =
            (
                model.Generate(latents + (step * direction)).sum() - model.Generate(latents - (step * direction)).sum()
            ).Item() / (2 * step);
        Assert.Equal(difference, slope, 0.02 * Math.Max(1, Math.Abs(difference)));
    }

    [Fact]
    public void A_generator_that_needs_a_class_is_refused()
    {
        var failure = Assert.Throws<UserErrorException>(() => Generators.OpenLatentModel(Saved(GanKind.Cgan)));
        Assert.Contains("of a class", failure.Message, StringComparison.Ordinal);
    }

    private static long[] Samples => [0, 1, 2];

    private string Saved(GanKind kind)
    {
        string path = Path.Combine(_folder, $"{kind}.safetensors");
        int classes = kind == GanKind.Cgan ? 10 : 0;
        using var random = Devices.Generator(1);
        using var network = GanNetworks.Generator(kind, s_shape, 8, Latent, classes).Build(random);
        ModelFile.Save(
            path,
            network,
            new ModelDescription
            {
                Architecture = GanNetworks.NameOf(kind),
                Data = "mnist",
                Shape = s_shape,
                Width = 8,
                Latent = Latent,
                ClassNames = [.. Enumerable.Range(0, classes).Select(label => $"{label}")],
            }
        );
        return path;
    }
}
