using System.Globalization;

namespace Parry.Cli.Evaluating;

/// <summary>The job files that run a plan in shards, for a scheduler.</summary>
/// <param name="Plan">The plan's file.</param>
/// <param name="Folder">The folder of the results.</param>
/// <param name="Shards">How many tasks share the images.</param>
/// <param name="Processors">Processors of a task.</param>
/// <param name="Limit">The time after which a task is stopped.</param>
/// <param name="Learns">Whether some attacks must learn first.</param>
internal sealed record JobFile(string Plan, string Folder, int Shards, int Processors, TimeSpan Limit, bool Learns)
{
    private const int WarnSeconds = 120;

    /// <summary>A job array for Slurm.</summary>
    public string Slurm() =>
        $"""
            #!/bin/bash
            # Runs {Plan} in {Shards} tasks. Submit it so that the report is made after any end of theirs; after the
            # success of all, it would wait forever once a task has failed:
            #   {Submit}
            #   sbatch --dependency=afterany:$job --wrap "parry merge {Folder}"
            #SBATCH --job-name=parry
            #SBATCH --array=0-{Shards - 1}
            #SBATCH --cpus-per-task={Processors}
            #SBATCH --time={Time}
            #SBATCH --requeue
            #SBATCH --open-mode=append
            #SBATCH --output=parry-%a.log
            #SBATCH --signal=B:USR1@{WarnSeconds}

            # The signals of the scheduler reach this shell; parry ends the images that it is at, with exit code 75.
            parry run {Plan} --out {Folder} &
            trap 'kill -USR1 %1' USR1
            trap 'kill -TERM %1' TERM
            wait %1
            code=$?
            while kill -0 %1 2> /dev/null; do
                wait %1
                code=$?
            done
            if [ $code = 75 ]; then
                scontrol requeue "$SLURM_JOB_ID"
            fi
            exit $code
            """;

    /// <summary>An indexed job for Kubernetes.</summary>
    public string Kubernetes() =>
        $"""
            # Runs {Plan} in {Shards} pods. IMAGE has parry in it; CLAIM is a volume that all pods share, with the plan
            # and the results. When the job has ended: parry merge {Folder}
            apiVersion: batch/v1
            kind: Job
            metadata:
              name: parry
            spec:
              completionMode: Indexed
              completions: {Shards}
              parallelism: {Shards}
              backoffLimitPerIndex: 3
              maxFailedIndexes: {Shards}
              podFailurePolicy:
                rules:
                  # Wrong use or input is never worth another try.
                  - action: FailIndex
                    onExitCodes:
                      operator: In
                      values: [2]
              template:
                spec:
                  restartPolicy: Never
                  terminationGracePeriodSeconds: {WarnSeconds}
                  containers:
                    - name: parry
                      image: IMAGE
                      workingDir: /work
                      command: [parry, run, {Plan}, --out, {Folder}]
                      env:
                        - name: PARRY_SHARDS
                          value: "{Shards}"
                      resources:
                        requests:
                          cpu: "{Processors}"
                      volumeMounts:
                        - name: work
                          mountPath: /work
                  volumes:
                    - name: work
                      persistentVolumeClaim:
                        claimName: CLAIM
            """;

    // What attacks learn is learned once, before the tasks; if that fails, the first task to need it does it.
    private string Submit =>
        Learns
            ? $"""
                first=$(sbatch --parsable -c {Processors} --wrap "parry run {Plan} --out {Folder} --prepare")
                #   job=$(sbatch --parsable --dependency=afterany:$first THIS-FILE)
                """
            : "job=$(sbatch --parsable THIS-FILE)";

    private string Time
    {
        get
        {
            int minutes = Math.Max(5, (int)Math.Ceiling(Limit.TotalMinutes));
            return string.Create(CultureInfo.InvariantCulture, $"{minutes / 60:00}:{minutes % 60:00}:00");
        }
    }
}
