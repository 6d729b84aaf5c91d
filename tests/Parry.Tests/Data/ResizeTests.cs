using Parry.Data;
using Parry.Data.Images;

namespace Parry.Tests.Data;

public class ResizeTests
{
    private static readonly ImageShape s_shape = new(3, 9, 14);

    // Value (x*x*7 + y*31 + c*50 + x*y*5) mod 256 at column x, row y, channel c.
    private static readonly byte[] s_picture =
    [
        .. from c in Enumerable.Range(0, 3)
        from y in Enumerable.Range(0, 9)
        from x in Enumerable.Range(0, 14)
        select (byte)((x * x * 7) + (y * 31) + (c * 50) + (x * y * 5)),
    ];

    // Pillow 9.4: Image.fromarray(picture).resize((5, 3), Image.BILINEAR).
    [Fact]
    public void Shrinking_gives_the_values_of_pillow() =>
        Assert.Equal(
            [
                62,
                128,
                131,
                113,
                147,
                148,
                134,
                137,
                124,
                116,
                123,
                124,
                140,
                156,
                142,
                112,
                135,
                122,
                129,
                131,
                164,
                133,
                122,
                123,
                137,
                97,
                122,
                124,
                130,
                141,
                159,
                131,
                137,
                127,
                97,
                158,
                131,
                126,
                115,
                110,
                111,
                121,
                112,
                117,
                108,
            ],
            Resize.Bilinear(s_picture, s_shape, 3, 5)
        );

    // Pillow 9.4: Image.fromarray(picture).resize((4, 12), Image.BILINEAR), of which the first channel.
    [Fact]
    public void Growing_in_one_direction_gives_the_values_of_pillow() =>
        Assert.Equal(
            [
                27,
                141,
                140,
                160,
                51,
                143,
                104,
                141,
                81,
                139,
                107,
                143,
                108,
                127,
                143,
                155,
                123,
                106,
                107,
                100,
                150,
                136,
                124,
                87,
                164,
                144,
                129,
                117,
                159,
                128,
                122,
                165,
                139,
                157,
                164,
                125,
                112,
                138,
                148,
                128,
                105,
                122,
                147,
                152,
                118,
                120,
                169,
                181,
            ],
            Resize.Bilinear(s_picture, s_shape, 12, 4)[..48]
        );

    // torchvision 0.14: CenterCrop(3)(Resize(5)(Image.fromarray(picture))).
    [Fact]
    public void Resizing_with_a_center_crop_gives_the_values_of_torchvision() =>
        Assert.Equal(
            [
                121,
                124,
                115,
                122,
                141,
                118,
                156,
                138,
                151,
                105,
                120,
                101,
                138,
                123,
                117,
                140,
                124,
                131,
                117,
                140,
                141,
                151,
                121,
                130,
                106,
                110,
                107,
            ],
            Resize.BilinearCrop(s_picture, s_shape, 5, 3, 3)
        );

    // Pillow 9.4: Image.fromarray(picture).convert("L").resize((5, 3), Image.BILINEAR).
    [Fact]
    public void Color_becomes_gray_with_the_values_of_pillow() =>
        Assert.Equal(
            [103, 133, 127, 124, 132, 159, 133, 127, 122, 128, 106, 122, 128, 137, 138],
            Resize.Bilinear(Planes.Convert(s_picture, 3, 1), s_shape with { Channels = 1 }, 3, 5)
        );

    [Fact]
    public void A_picture_resized_to_its_own_size_stays_as_it_is() =>
        Assert.Equal(s_picture, Resize.Bilinear(s_picture, s_shape, 9, 14));

    [Fact]
    public void The_middle_is_cut_out_with_halves_rounded_to_even()
    {
        byte[] line = [0, 1, 2, 3, 4, 5, 6, 7];
        Assert.Equal([2, 3, 4], Resize.CenterCrop(line, new ImageShape(1, 1, 8), 1, 3)); // (8 - 3) / 2 = 2.5, to 2
        Assert.Equal([2, 3, 4, 5, 6], Resize.CenterCrop(line, new ImageShape(1, 1, 8), 1, 5)); // 1.5, to 2
        Assert.Throws<ArgumentOutOfRangeException>(() => Resize.CenterCrop(line, new ImageShape(1, 1, 8), 2, 3));
    }

    [Fact]
    public void A_crop_that_is_not_square_is_covered_by_the_picture()
    {
        byte[] flat = new byte[3 * 40 * 10];
        Array.Fill(flat, (byte)77);
        byte[] crop = Resize.BilinearCrop(flat, new ImageShape(3, 40, 10), 16, 14, 28);
        Assert.Equal(3 * 14 * 28, crop.Length);
        Assert.All(crop, value => Assert.Equal(77, value));
    }

    [Fact]
    public void A_very_long_picture_takes_no_more_memory_than_its_crop()
    {
        var shape = new ImageShape(1, 1, 60_000);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Resize.BilinearCrop(new byte[shape.Pixels], shape, 256, 224, 224);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    // The sum of all values and five of them, from torchvision 0.14 with Pillow 9.4:
    // CenterCrop(224)(Resize(256)(Image.open(photo).convert("RGB"))).
    [TheoryIfPhotos]
    [InlineData("imagenet_00_243.jpg", 15_798_297, 204, 114, 50, 44, 64)]
    [InlineData("imagenet_01_559.jpg", 15_857_419, 165, 189, 107, 182, 91)]
    [InlineData("imagenet_02_438.jpg", 20_229_314, 29, 92, 184, 167, 45)]
    [InlineData("imagenet_03_990.jpg", 16_179_511, 19, 106, 42, 143, 154)]
    [InlineData("imagenet_04_949.jpg", 19_522_844, 172, 182, 67, 146, 244)]
    [InlineData("imagenet_05_853.jpg", 18_103_767, 124, 165, 73, 125, 118)]
    [InlineData("imagenet_14_129.jpg", 21_033_835, 133, 144, 166, 131, 140)]
    [InlineData("imagenet_15_99.jpg", 16_813_784, 116, 105, 29, 66, 102)]
    [InlineData("imagenet_16_251.jpg", 12_822_826, 105, 71, 150, 79, 41)]
    [InlineData("imagenet_17_22.jpg", 9_802_038, 68, 65, 44, 103, 72)]
    public void Sample_photos_are_prepared_within_1_of_torchvision(
        string photo,
        int sum,
        int a,
        int b,
        int c,
        int d,
        int e
    )
    {
        var (shape, planes) = ImageFile.Read(Path.Combine(TheoryIfPhotosAttribute.Folder!, photo));
        byte[] image = new ImagePreparation().Apply(planes, shape, new ImageShape(3, 224, 224));
        int At(int channel, int y, int x) => image[(((channel * 224) + y) * 224) + x];

        Assert.InRange(image.Sum(value => value), sum - (image.Length / 100), sum + (image.Length / 100));
        Assert.All(
            [(a, At(0, 0, 0)), (b, At(1, 10, 200)), (c, At(2, 111, 37)), (d, At(0, 150, 150)), (e, At(1, 223, 223))],
            pair => Assert.InRange(pair.Item2, pair.Item1 - 1, pair.Item1 + 1)
        );
    }
}
