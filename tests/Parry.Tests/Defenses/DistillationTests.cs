using Parry.Attacks;
using Parry.Attacks.Building;
using Parry.Data;
using Parry.Defenses.Training;
using Parry.Models;
using Parry.Models.Training;
using Parry.Runtime;
using Parry.Tests.Models;
using static TorchSharp.torch;

namespace Parry.Tests.Defenses;

public class DistillationTests
{
    private static readonly ImageSet s_images = ToySet.Make(120);

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    public void A_teachers_gradient_is_the_error_of_its_probabilities_over_the_temperature(double temperature)
    {
        using var scope = NewDisposeScope();
        using var linear = new LinearPiece();
        var (loss, logits) = linear.LossOf(new CrossEntropy(temperature));
        Tensor gradient = Autograd.Grad(loss, linear.Linear.bias!);
        using var frozen = no_grad();
        Tensor error = linear
            .Probabilities(linear.Piece.Images, temperature)
            .sub(LinearPiece.OneHot(linear.Piece.Labels));
        Same(error.sum(dim: 0).div(temperature), gradient);
        Assert.Equal([LinearPiece.Count, LinearPiece.Classes], logits.shape);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    public void A_students_gradient_is_its_distance_from_the_teachers_probabilities_over_the_temperature(
        double temperature
    )
    {
        using var scope = NewDisposeScope();
        using var linear = new LinearPiece();
        var teacher = new LinearClassifier(linear.Classifier.Shape, LinearPiece.Classes);
        var (loss, _) = linear.LossOf(new Distillation(teacher, "teacher", temperature));
        Tensor gradient = Autograd.Grad(loss, linear.Linear.bias!);
        using var frozen = no_grad();
        Tensor wanted = teacher.Logits(linear.Piece.Images).div(temperature).softmax(-1);
        Tensor own = linear.Probabilities(linear.Piece.Images, temperature);
        Same(own.sub(wanted).sum(dim: 0).div(temperature), gradient);
        Assert.Equal(-wanted.mul(own.log()).sum().Item(), loss.Item(), 1e-4);
    }

    [Fact]
    public void Large_logits_leave_no_gradient_and_dividing_them_by_the_temperature_gives_it_back()
    {
        using var scope = NewDisposeScope();
        using var linear = new LinearPiece(scale: 5000);
        IClassifier masked = linear.Classifier;
        IClassifier seen = new ScaledLogits(linear.Classifier, 5000);
        Tensor images = linear.Piece.Images;
        Tensor labels = masked.Predict(images);
        Assert.Equal(labels.ToArray<long>(), seen.Predict(images).ToArray<long>());
        Func<Tensor, Tensor> loss = AttackLoss.CrossEntropy(Goal.Untargeted(labels));
        Assert.All(masked.Gradient(images, loss).Gradient.ToArray<float>(), value => Assert.Equal(0, value));

        LossGradient pass = seen.Gradient(images, loss);
        Tensor byHand = linear
            .Probabilities(images, 5000)
            .sub(LinearPiece.OneHot(labels))
            .mm(linear.Linear.weight)
            .div(5000.0);
        Same(byHand, pass.Gradient.flatten(1));
        Same(seen.Logits(images), pass.Logits);
    }

    [Fact]
    public void A_student_learns_from_its_teacher_alone()
    {
        var recipe = new ClassifierTraining
        {
            Architecture = "e",
            Epochs = 8,
            BatchSize = 50,
            LearningRate = 3e-3,
        };
        using var teacher = new ClassifierTrainer(recipe with { Loss = new CrossEntropy(20) }, s_images);
        teacher.Run();

        // Every label of the student's images is wrong.
        var mislabeled = new ImageSet(
            "toy",
            s_images.Shape,
            s_images.Pixels.ToArray(),
            s_images.Labels.ToArray().Select(label => (label + 1) % 3).ToArray(),
            s_images.ClassNames
        );
        using var student = new ClassifierTrainer(
            recipe with
            {
                Loss = new Distillation(teacher.Classifier, "teacher", 20),
            },
            mislabeled
        );
        student.Run();
        Assert.True(Accuracy.Of(student.Classifier, ToySet.Make(60, seed: 2)) > 0.9);
        Assert.Equal("distillation of teacher at temperature 20", student.Describe("toy", "").Training);
        Assert.Equal("cross entropy at temperature 20", teacher.Describe("toy", "").Training);
    }

    private static void Same(Tensor expected, Tensor actual)
    {
        float[] want = expected.ToArray<float>();
        float[] got = actual.ToArray<float>();
        Assert.Equal(want.Length, got.Length);
        for (int i = 0; i < want.Length; i++)
            Assert.Equal(want[i], got[i], 1e-5f * Math.Max(1, Math.Abs(want[i])));
    }
}
