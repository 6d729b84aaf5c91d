using FsCheck.Fluent;
using Parry.Attacks;
using Parry.Attacks.Building;
using Parry.Attacks.WhiteBox;
using Parry.Catalogs;
using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Tests.Attacks;

public class AttackCatalogTests
{
    [Theory]
    [InlineData("apgd:loss=ce", "apgd:loss=cross-entropy")]
    [InlineData("apgd:loss=CE,norm=inf", "apgd")]
    [InlineData("pgd:epsilon=8/255,norm=Linf", "pgd:eps=8/255")]
    [InlineData("pgd:norm=2,eps=1", "pgd:norm=l2,eps=1")]
    [InlineData("pgd:num_steps=7,step_size=0.1,n-restarts=2", "pgd:steps=7,step=0.1,restarts=2")]
    [InlineData("pgd:loss=cw", "pgd:loss=margin")]
    [InlineData("mi-fgsm:di,eps=0.1,0.2,Nesterov,ti,vmi", "mi-fgsm:eps=0.1,0.2,di=true,ti=true,ni=true,vmi=true")]
    public void The_short_words_of_the_field_are_understood(string text, string meant) =>
        Assert.Equal(AttackCatalog.Parse(meant).Text, AttackCatalog.Parse(text).Text);

    [Fact]
    public void Reads_several_budgets_and_other_options()
    {
        AttackSpec spec = AttackCatalog.Parse("pgd:eps=0.1,0.2,8/255,steps=20,norm=l2,loss=margin,random-start=false");
        Assert.Equal([0.1, 0.2, 8 / 255.0], spec.Epsilons);
        Assert.Equal(
            new ProjectedGradientDescent
            {
                Epsilon = 0.1,
                Steps = 20,
                Norm = Norm.L2,
                Loss = Objective.Margin,
                RandomStart = false,
            },
            spec.Attack
        );
        Assert.Equal("pgd:eps=0.1,0.2,8/255,norm=l2,steps=20,random-start=false,loss=margin", spec.Text);
        Assert.Equal("pgd", spec.Name);
    }

    [Theory]
    [InlineData("fgsm", "fgsm:eps=0.3")]
    [InlineData("pgd", "pgd:eps=0.3")]
    [InlineData("pgd:norm=l2", "pgd:eps=2,norm=l2")]
    [InlineData(" pgd : eps = 3e-1 , 1/4 , steps = 7 ", "pgd:eps=0.3,0.25,steps=7")]
    [InlineData("bim:step=2/255,eps=8/255", "bim:eps=8/255,step=2/255")]
    [InlineData("rand-fgsm:alpha=0.05", "rand-fgsm:eps=0.3")]
    [InlineData("mi-fgsm:di,ti,si", "mi-fgsm:eps=0.3,di=true,ti=true,si=true")]
    [InlineData("transfer:attack=mi-fgsm:di+si,from=a", "transfer:eps=0.3,from=a,attack=mi-fgsm:di=true+si=true")]
    [InlineData("cw-l2", "cw-l2")]
    [InlineData("cw-l2:steps=1,iterations=100,lr=10,c=100,confidence=0", "cw-l2:steps=1,iterations=100,lr=10,c=100")]
    public void Writes_the_text_that_gives_the_attack_again(string text, string canonical)
    {
        AttackSpec spec = AttackCatalog.Parse(text);
        Assert.Equal(canonical, spec.Text);
        AttackSpec again = AttackCatalog.Parse(spec.Text);
        Assert.Equal(spec.Text, again.Text);
        Assert.Equal(spec.Epsilons, again.Epsilons);
        Assert.Equal(spec.Entry.Describe(spec.Attack), again.Entry.Describe(again.Attack));
    }

    [Theory]
    [InlineData("pdg", "there is no attack \"pdg\", did you mean pgd?; the attacks: fgsm, rand-fgsm, bim, ")]
    [InlineData("something-else", "there is no attack \"something-else\"; the attacks: fgsm, rand-fgsm, bim, ")]
    [InlineData("", "the attacks: fgsm")]
    [InlineData(
        "pgd:step-count=3",
        "has no option step-count; its options: eps, norm, step, steps, random-start, restarts, loss, early-stop"
    )]
    [InlineData("pgd:restart=3", "did you mean restarts?")]
    [InlineData("cw-l2:eps=0.3", "the attack cw-l2 has no option eps")]
    [InlineData("pgd:eps=-0.1", "takes for eps a number of at least 0, such as 0.1 or 8/255, got \"-0.1\"")]
    [InlineData("pgd:eps=0.1,-0.2", "got \"-0.2\"")]
    [InlineData("pgd:eps=NaN", "got \"NaN\"")]
    [InlineData("pgd:eps=Infinity", "got \"Infinity\"")]
    [InlineData("pgd:eps=1/0", "got \"1/0\"")]
    [InlineData("pgd:eps=0/0", "got \"0/0\"")]
    [InlineData("pgd:eps=1/2/3", "got \"1/2/3\"")]
    [InlineData("pgd:eps=big", "got \"big\"")]
    [InlineData("pgd:eps=", "got \"\"")]
    [InlineData("pgd:eps=0.1,", "got \"\"")]
    [InlineData("pgd:steps=0", "a whole number of at least 1, got \"0\"")]
    [InlineData("pgd:steps=2.5", "a whole number of at least 1")]
    [InlineData("pgd:steps=99999999999", "a whole number of at least 1")]
    [InlineData("pgd:norm=l0", "linf or l2 or l1, got \"l0\"")]
    [InlineData("pgd:loss=mse", "cross-entropy or margin")]
    [InlineData("pgd:early-stop=yes", "true or false, got \"yes\"")]
    [InlineData("pgd:steps=3,4", "the option steps of pgd takes one value, got 3, 4")]
    [InlineData("pgd:eps=0.1,steps=3,eps=0.2", "the option eps of pgd is given twice")]
    [InlineData("pgd:0.3", "must be of the form key=value,key=value, got \"0.3\"")]
    [InlineData("pgd:", "must be of the form key=value")]
    public void Refuses_what_it_does_not_know_and_says_what_is_valid(string text, string reason) =>
        Assert.Contains(
            reason,
            Assert.Throws<UserErrorException>(() => AttackCatalog.Parse(text)).Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void Any_text_is_either_an_attack_that_reads_back_or_a_one_line_reason()
    {
        string[] words =
        [
            .. AttackCatalog.All.Select(entry => entry.Name),
            .. AttackCatalog.All.SelectMany(entry => entry.Options).Select(option => option.Name),
            ":",
            ",",
            "=",
            "/",
            "-",
            " ",
            "0",
            "1",
            "0.1",
            "255",
            "1e-3",
            "1e999",
            "NaN",
            "linf",
            "l2",
            "margin",
            "true",
            "\n",
            "\0",
            "é",
            "=,",
            "eps=",
            ",steps=",
        ];
        int read = 0;
        Property.ForAll(
            Gen.OneOf(
                Gen.Elements(words).NonEmptyListOf().Select(string.Concat),
                from name in Gen.Elements(AttackCatalog.All.Select(entry => entry.Name))
                from option in Gen.Elements(words)
                from value in Gen.Elements(words)
                from other in Gen.Elements(words)
                select $"{name}:{option}={value},{other}"
            ),
            5000,
            text =>
            {
                try
                {
                    AttackSpec spec = AttackCatalog.Parse(text);
                    Assert.Equal(spec.Text, AttackCatalog.Parse(spec.Text).Text);
                    read++;
                }
                catch (UserErrorException e)
                {
                    Assert.NotEmpty(e.Message);
                }
            }
        );
        Assert.True(read > 5, $"only {read} texts were attacks");
    }

    [Fact]
    public void Every_entry_is_fit_to_be_listed()
    {
        Assert.Equal(AttackCatalog.All.Count, AttackCatalog.All.Select(entry => entry.Name).Distinct().Count());
        Assert.All(
            AttackCatalog.All,
            entry =>
            {
                Assert.Matches("^[a-z][a-z0-9-]*$", entry.Name);
                Assert.Matches(@"\d{4}, (\d{4}\.\d{4,5}|openreview [\w-]+)$", entry.Paper);
                Assert.InRange(entry.Summary.Length, 10, 90);
                Assert.Equal(entry.Default.Norm, entry.AllNorms[0]);
                Assert.Equal(entry.HasBudget, entry.Options.Any(option => option.Name == "eps"));
                Assert.All(
                    entry.Options,
                    option => Assert.False(string.IsNullOrEmpty(option.Default) || string.IsNullOrEmpty(option.Summary))
                );
                Assert.All(
                    entry.Options.Where(option => option.Default != "auto"),
                    option =>
                        Assert.Equal(
                            entry.Default.ToString(),
                            entry.Create([KeyValuePair.Create(option.Name, option.Default)]).ToString()
                        )
                );
            }
        );
        Assert.Equal(Knowledge.Gradients, AttackCatalog.Find("pgd").Knowledge);
    }

    [Fact]
    public void A_model_that_shows_too_little_is_refused()
    {
        using Tensor image = zeros([1, 1, 6, 6]);
        using Tensor label = zeros([1], ScalarType.Int64);
        var error = Assert.Throws<UserErrorException>(() =>
            AttackCatalog.Parse("pgd").Run(new Labels(), new AttackRun(image, Goal.Untargeted(label), 1))
        );
        Assert.Equal("the attack pgd needs the model's gradients, and this model shows only labels", error.Message);
    }

    private sealed class Labels : IPredictor
    {
        public ImageShape Shape => new(1, 6, 6);

        public int Classes => 2;

        public Tensor Predict(Images images) => throw new NotSupportedException();
    }
}
