using System.Buffers;
using System.Globalization;
using System.Text;
using Parry.Models;
using Parry.Models.Http;
using Parry.Tests.Data;

namespace Parry.Tests.Models.Http;

public class WireTests
{
    private static readonly byte[] s_metadata = Encoding.UTF8.GetBytes(
        """{"name":"toy","versions":["1"],"platform":"x","inputs":[{"name":"x","datatype":"FP32","shape":[-1,1,2,2]}],"outputs":[{"name":"y","datatype":"FP32","shape":[-1,3]}]}"""
    );
    private static readonly byte[] s_answer = Encoding.UTF8.GetBytes(
        """{"model_name":"toy","outputs":[{"name":"y","datatype":"FP32","shape":[2,3],"parameters":{"a":[1,{}]},"data":[[1.5,-2e-3,3],[4,5,6]]}]}"""
    );
    private static readonly byte[] s_labels = Encoding.UTF8.GetBytes(
        """{"outputs":[{"name":"y","datatype":"BYTES","shape":[2],"data":["cat","dög"]}]}"""
    );
    private static readonly byte[] s_other = Encoding.UTF8.GetBytes(
        """{"result":{"rows":[{"p":[0.1,0.2,0.7],"label":"cat"},{"p":[0.5,0.25,0.25],"label":"dög"}]}}"""
    );

    [Fact]
    public void Numbers_read_back_as_they_were_and_are_short()
    {
        var random = new Random(1);
        float[] values =
        [
            0,
            1,
            -0f,
            0.5f,
            0.1f,
            1f / 3,
            float.Epsilon,
            float.MaxValue,
            -0.3f,
            255,
            0.25f,
            MathF.BitDecrement(0.25f),
            0.03125f,
            MathF.BitDecrement(0.03125f),
            0.00390625f,
            MathF.BitDecrement(0.00390625f),
            MathF.BitDecrement(1),
            .. Enumerable.Range(0, 200_000).Select(_ => random.NextSingle()),
            .. Enumerable.Range(0, 200_000).Select(_ => random.NextSingle() * MathF.Pow(2, -random.Next(12))),
            .. Enumerable
                .Range(0, 100_000)
                .Select(_ => BitConverter.Int32BitsToSingle(random.Next()))
                .Where(float.IsFinite),
            .. Enumerable.Range(0, 256).Select(i => i / 255f),
        ];
        var written = new ArrayBufferWriter<byte>();
        JsonNumbers.Write(written, values, [values.Length]);
        string[] texts = Encoding.ASCII.GetString(written.WrittenSpan)[1..^1].Split(',');
        Assert.Equal(values.Length, texts.Length);
        for (int i = 0; i < values.Length; i++)
        {
            Assert.True(float.Parse(texts[i], CultureInfo.InvariantCulture) == values[i], texts[i]);
            Assert.True(
                JsonNumbers.TryParse(Encoding.ASCII.GetBytes(texts[i]), out float read) && read == values[i],
                texts[i]
            );
            Assert.True(texts[i].Length <= 15, texts[i]);
        }
    }

    [Fact]
    public void Any_decimal_is_read_as_the_nearest_float()
    {
        var random = new Random(2);
        for (int i = 0; i < 200_000; i++)
        {
            // Halves between two floats, and next to them, are where rounding twice goes wrong.
            float value = random.NextSingle();
            decimal middle = ((decimal)(double)value + (decimal)(double)MathF.BitIncrement(value)) / 2;
            string text = decimal.Round(middle, 1 + random.Next(17)).ToString(CultureInfo.InvariantCulture);
            Assert.True(JsonNumbers.TryParse(Encoding.ASCII.GetBytes(text), out float read));
            Assert.True(read == float.Parse(text, CultureInfo.InvariantCulture), text);
        }
    }

    [Fact]
    public void Damaged_answers_are_read_or_refused()
    {
        InputContract contract = new() { ClassNames = ["cat", "dög"] };
        var scores = OpenInference.Of(
            new Uri("http://h/v2/models/toy"),
            s_metadata,
            null,
            null,
            contract,
            new HttpSettings()
        );
        var labels = OpenInference.Of(
            new Uri("http://h/v2/models/toy"),
            s_metadata,
            null,
            null,
            contract,
            new HttpSettings { Answers = HttpAnswers.Labels }
        );
        Assert.Equal([1.5f, -2e-3f, 3, 4, 5, 6], scores.Read(s_answer, 2));
        Assert.Equal([2f, 2], labels.Read(s_answer, 2));
        Assert.Equal([0f, 1], labels.Read(s_labels, 2));
        Damage([s_answer], bytes => scores.Read(bytes, 2));
        Damage([s_answer, s_labels], bytes => labels.Read(bytes, 2));
    }

    [Fact]
    public void Damaged_answers_to_a_template_are_read_or_refused()
    {
        InputContract contract = new() { ClassNames = ["cat", "dög"] };
        RequestTemplate template = RequestTemplate.Parse(
            """{"body":"$images","scores":"$.result.rows[*].p","labels":"$.result.rows[*].label"}"""
        );
        foreach (bool onlyLabels in new[] { false, true })
        {
            var format = new TemplateFormat(
                new Uri("http://h/"),
                template,
                new ImageShape(1, 2, 2),
                contract,
                onlyLabels
            );
            Assert.Equal(onlyLabels ? 2 : 6, format.Read(s_other, 2).Length);
            Damage([s_other], bytes => format.Read(bytes, 2));
        }
    }

    [Fact]
    public void Damaged_descriptions_of_a_model_are_read_or_refused() =>
        Damage(
            [s_metadata],
            bytes =>
                OpenInference.Of(
                    new Uri("http://h/v2/models/toy"),
                    bytes,
                    new ImageShape(1, 2, 2),
                    3,
                    new InputContract(),
                    new HttpSettings()
                )
        );

    [Fact]
    [Trait("Kind", "Fuzz")]
    public void Nested_too_deeply_is_refused() =>
        Assert.Throws<InvalidDataException>(() =>
            InferenceTensor.ReadAll(Encoding.ASCII.GetBytes("{\"outputs\":" + new string('[', 100_000)), "outputs")
        );

    private static void Damage(byte[][] samples, Action<byte[]> read) =>
        Fuzz.Run(samples, length => 1_000_000 + (1000 * length), read);
}
