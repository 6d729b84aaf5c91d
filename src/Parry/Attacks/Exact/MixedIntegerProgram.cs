using Google.OrTools.LinearSolver;

namespace Parry.Attacks.Exact;

/// <summary>
/// The smallest perturbation as a mixed-integer program, which SCIP solves: the same each time, and exact up to the
/// tolerances of OR-Tools. A ReLU is a - s = z with a, s of at least 0, of which a binary t lets only one be positive:
/// a ≤ u·t and s ≤ -l·(1 - t), u and l being its bounds; where its sign is known it needs no binary.
/// </summary>
internal sealed class MixedIntegerProgram : IDisposable
{
    private const string Scip = "SCIP";

    // Ctrl+C belongs to the program around it.
    private const string Settings = "misc/catchctrlc = FALSE";

    private readonly Region _region;
    private readonly Solver _solver;
    private readonly Variable _distance;
    private readonly List<(Variable Rise, Variable? Fall)> _pixels = [];

    private MixedIntegerProgram(Region region)
    {
        _region = region;
        _solver = Solver.CreateSolver(Scip) ?? throw new InvalidOperationException("OR-Tools came without SCIP.");
        _distance = _solver.MakeNumVar(0, region.Radius, "d");
        _solver.Minimize(_distance);
    }

    /// <summary>Looks for the smallest perturbation.</summary>
    /// <param name="layers">The network, with the goal's margins as the last layer's units.</param>
    /// <param name="bounds">Of its units, over the region.</param>
    /// <param name="region">Where the perturbed image is looked for.</param>
    /// <param name="everyMargin">Whether all margins must be positive, or just one.</param>
    /// <param name="seconds">The most time it may take.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="InvalidOperationException">The solver broke.</exception>
    public static Solution Minimize(
        IReadOnlyList<ReluNetwork.Affine> layers,
        Bounds bounds,
        Region region,
        bool everyMargin,
        double seconds,
        CancellationToken cancellation = default
    )
    {
        using var program = new MixedIntegerProgram(region);
        program.AddPixels();
        Variable?[]? below = null;
        for (int layer = 0; layer < layers.Count - 1; layer++)
            below = program.AddLayer(layers[layer], bounds[layer], below);
        program.AddMargins(layers[^1], bounds[layers.Count - 1], below, everyMargin);
        return program.Solve(seconds, cancellation);
    }

    /// <inheritdoc/>
    public void Dispose() => _solver.Dispose();

    private Solution Solve(double seconds, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        using var exact = new MPSolverParameters();
        exact.SetDoubleParam(MPSolverParameters.DoubleParam.RELATIVE_MIP_GAP, 0);
        _solver.SetSolverSpecificParametersAsString(Settings);

        // None would be no limit.
        _solver.SetTimeLimit(Math.Max(1, (long)Math.Min(seconds * 1000, int.MaxValue)));
        using CancellationTokenRegistration stop = cancellation.Register(() => _solver.InterruptSolve());
        Solver.ResultStatus status = _solver.Solve(exact);
        cancellation.ThrowIfCancellationRequested();
        return status switch
        {
            Solver.ResultStatus.OPTIMAL => new Solution(true, _solver.Objective().Value(), Change()),
            Solver.ResultStatus.FEASIBLE => new Solution(true, _solver.Objective().BestBound(), Change()),
            Solver.ResultStatus.INFEASIBLE => new Solution(false, double.PositiveInfinity, null),
            Solver.ResultStatus.NOT_SOLVED => new Solution(null, 0, null),
            _ => throw new InvalidOperationException($"The solver {Scip} ended with {status}."),
        };
    }

    private double[] Change() =>
        [.. _pixels.Select(pixel => pixel.Rise.SolutionValue() - (pixel.Fall?.SolutionValue() ?? 0))];

    // The change of each pixel, which together are as large as the distance.
    private void AddPixels()
    {
        Constraint? sum = _region.Norm == Norm.L1 ? Row(0, 0, (1, _distance)) : null;
        for (int i = 0; i < _region.Center.Length; i++)
        {
            if (sum is null)
            {
                Variable change = Number(-_region.Down(i), _region.Up(i));
                Row(double.NegativeInfinity, 0, (1, change), (-1, _distance));
                Row(0, double.PositiveInfinity, (1, change), (1, _distance));
                _pixels.Add((change, null));
                continue;
            }

            var (rise, fall) = (Number(0, _region.Up(i)), Number(0, _region.Down(i)));
            sum.SetCoefficient(rise, -1);
            sum.SetCoefficient(fall, -1);
            _pixels.Add((rise, fall));
        }
    }

    // Returns the units' values, null for units that are always zero.
    private Variable?[] AddLayer(ReluNetwork.Affine map, (double[] Low, double[] High) bounds, Variable?[]? below)
    {
        var values = new Variable?[map.Biases.Length];
        for (int i = 0; i < values.Length; i++)
        {
            var (low, high) = (bounds.Low[i], bounds.High[i]);
            if (high <= 0)
                continue;
            Variable value = values[i] = Number(Math.Max(low, 0), high);
            Constraint unit = Row(0, 0, (1, value));
            double constant = Subtract(unit, map.Weights[i], map.Biases[i], below);
            unit.SetBounds(constant, constant);
            if (low >= 0)
                continue;
            Variable rest = Number(0, -low);
            Variable open = _solver.MakeBoolVar("");
            unit.SetCoefficient(rest, -1);
            Row(double.NegativeInfinity, 0, (1, value), (-high, open));
            Row(double.NegativeInfinity, -low, (1, rest), (-low, open));
        }

        return values;
    }

    private void AddMargins(
        ReluNetwork.Affine margins,
        (double[] Low, double[] High) bounds,
        Variable?[]? below,
        bool every
    )
    {
        int[] within = [.. Enumerable.Range(0, margins.Biases.Length).Where(i => every || bounds.High[i] >= 0)];
        Constraint? one = every || within.Length == 1 ? null : Row(1, double.PositiveInfinity);
        foreach (int i in within)
        {
            Constraint margin = Row(0, 0);
            double most = Subtract(margin, margins.Weights[i], margins.Biases[i], below);
            margin.SetBounds(double.NegativeInfinity, most);
            if (one is null)
                continue;

            // Chosen, the margin is positive; else only its bound stands.
            double low = Math.Min(bounds.Low[i], 0);
            Variable chosen = _solver.MakeBoolVar("");
            margin.SetCoefficient(chosen, -low);
            margin.SetUb(most - low);
            one.SetCoefficient(chosen, 1);
        }
    }

    // Takes weights · a + bias off a row: the terms from its left side, the returned constant to its right.
    private double Subtract(Constraint row, double[] weights, double bias, Variable?[]? below)
    {
        double constant = bias;
        for (int i = 0; i < weights.Length; i++)
        {
            double w = weights[i];
            if (w == 0)
                continue;
            if (below is not null)
            {
                if (below[i] is { } value)
                    row.SetCoefficient(value, -w);
                continue;
            }

            constant += w * _region.Center[i];
            row.SetCoefficient(_pixels[i].Rise, -w);
            if (_pixels[i].Fall is { } fall)
                row.SetCoefficient(fall, w);
        }

        return constant;
    }

    private Variable Number(double low, double high) => _solver.MakeNumVar(low, high, "");

    private Constraint Row(double low, double high, params ReadOnlySpan<(double Factor, Variable Variable)> terms)
    {
        Constraint row = _solver.MakeConstraint(low, high);
        foreach (var (factor, variable) in terms)
            row.SetCoefficient(variable, factor);
        return row;
    }

    /// <summary>What the solver knows when it ends.</summary>
    /// <param name="Feasible">Whether there is a solution; null when time ran out before one was found.</param>
    /// <param name="LowerBound">No solution is smaller.</param>
    /// <param name="Change">The change of each pixel in the best solution; null without one.</param>
    internal sealed record Solution(bool? Feasible, double LowerBound, double[]? Change);
}
