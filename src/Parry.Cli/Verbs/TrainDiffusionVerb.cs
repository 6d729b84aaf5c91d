using System.CommandLine;
using Parry.Cli.Training;
using Parry.Generative.Diffusion;
using Parry.Models.Training;

namespace Parry.Cli.Verbs;

/// <summary><c>parry train diffusion</c>: the network of purification by diffusion.</summary>
internal static class TrainDiffusionVerb
{
    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        var recipe = new DiffusionTraining();
        Option<int> width = Arguments.Number("--width", "Maps at the image's size, a multiple of 8.", recipe.Width, 8);
        var schedule = new ScheduleOptions(recipe.Schedule);
        return TrainingRun.Verb(
            "diffusion",
            "Train the network of purification by diffusion on the first 50,000 training images.",
            [width, .. schedule.All],
            run =>
            {
                DiffusionTraining options = new()
                {
                    Width = run.Value(width),
                    Schedule = schedule.Of(run, recipe.Schedule),
                };
                using NetworkTrainer<DiffusionUNet> trainer = options.On(run.Images());
                run.Train(trainer);
                DiffusionUNet network = trainer.Network;
                run.Save(network, "diffusion network", trainer, options.Schedule.Seed, network.Describe());
            }
        );
    }
}
