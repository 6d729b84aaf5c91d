using Parry.Data;
using Parry.Data.Images;

namespace Parry.Cli.Tests;

/// <summary>
/// A folder in CelebA's layout with faces that are drawn: 24 to train on, 8 that validate, 8 to test. Every second one
/// has a beard and is Male, the others have long hair.
/// </summary>
internal sealed class DrawnFaces
{
    private const int Photos = 40;
    private const int Training = 24;
    private const int Validation = 8;

    private static readonly ImageShape s_photo = new(3, 218, 178);
    private static readonly byte[] s_hair = [60, 40, 20];

    public DrawnFaces(string folder)
    {
        Folder = folder;
        string set = Path.Combine(folder, "celeba");
        Directory.CreateDirectory(Path.Combine(set, "img_align_celeba"));
        for (int i = 0; i < Photos; i++)
            File.WriteAllBytes(Path.Combine(set, "img_align_celeba", NameOf(i)), Jpeg.Encode(Draw(i), s_photo, 90));
        string names = string.Join(' ', CelebA.Attributes);
        IEnumerable<string> attributes = Enumerable.Range(0, Photos).Select(AttributesOf);
        File.WriteAllLines(Path.Combine(set, "list_attr_celeba.txt"), [$"{Photos}", names, .. attributes]);
        IEnumerable<string> parts = Enumerable.Range(0, Photos).Select(i => $"{NameOf(i)} {PartOf(i)}");
        File.WriteAllLines(Path.Combine(set, "list_eval_partition.txt"), parts);
    }

    public string Folder { get; }

    private static bool IsMale(int photo) => photo % 2 == 0;

    private static string NameOf(int photo) => $"{photo + 1:000000}.jpg";

    private static int PartOf(int photo) =>
        photo < Training ? 0
        : photo < Training + Validation ? 1
        : 2;

    private static string AttributesOf(int photo)
    {
        IEnumerable<int> values = CelebA.Attributes.Select(name => name == "Male" && IsMale(photo) ? 1 : -1);
        return $"{NameOf(photo)} {string.Join(' ', values)}";
    }

    // An oval of skin, two eyes, and hair around it or a beard in its lower third.
    private static byte[] Draw(int photo)
    {
        byte[] skin = [(byte)(200 - photo), (byte)(160 - photo), (byte)(130 - photo)];
        byte[] wall = [(byte)(4 * photo), 120, (byte)(250 - (4 * photo))];
        var planes = new byte[s_photo.Pixels];
        for (int y = 0; y < s_photo.Height; y++)
        {
            for (int x = 0; x < s_photo.Width; x++)
            {
                double across = (x - 89) / 38.0;
                double down = (y - 115) / 50.0;
                bool isFace = (across * across) + (down * down) < 1;
                bool isEye = Math.Abs(Math.Abs(x - 89) - 15) < 4 && Math.Abs(y - 105) < 3;
                bool isHair = IsMale(photo) ? isFace && down > 0.4 : !isFace && Math.Abs(across) < 1.4 && down < 1.2;
                byte[] color =
                    isEye || isHair ? s_hair
                    : isFace ? skin
                    : wall;
                for (int channel = 0; channel < 3; channel++)
                    planes[(((channel * s_photo.Height) + y) * s_photo.Width) + x] = color[channel];
            }
        }

        return planes;
    }
}
