using System.Reflection;
using Parry.Runtime;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Parry.Models.Architectures;

/// <summary>
/// The base of Parry's own networks: a TorchSharp module that names its parts itself, starts in evaluation mode with
/// frozen parameters, and draws from a given generator in training mode.
/// </summary>
public abstract class Network : nn.Module<Tensor, Tensor>, IDrawsInTraining
{
    static Network() => TorchLibrary.Load();

    /// <summary>Creates the module in evaluation mode.</summary>
    protected Network()
        : base("network") => eval();

    /// <summary>The generator of random draws in training mode; null in evaluation mode.</summary>
    public Generator? Random
    {
        get => training ? field : null;
        set;
    }

    /// <summary>Adds a child under a name and returns it.</summary>
    protected T Child<T>(string name, T child)
        where T : nn.Module
    {
        child.eval();
        register_module(name, child);
        return child;
    }

    /// <summary>Adds a parameter under a name and returns it; the module owns it from now on.</summary>
    protected Tensor Parameter(string name, Tensor initial)
    {
        var parameter = new Parameter(initial, requires_grad: false);
        parameter.DetachFromDisposeScope();
        LiveTensors.BecameParameters(1);
        register_parameter(name, parameter);
        return parameter;
    }

    /// <summary>Adds a buffer under a name and returns it; the module owns it from now on.</summary>
    protected Tensor Buffer(string name, Tensor initial)
    {
        initial.DetachFromDisposeScope();
        register_buffer(name, initial);
        return initial;
    }

    /// <summary>Only named parts are registered.</summary>
    protected override void RegisterComponents() { }

    /// <summary>Replaces converted tensors in the fields that hold them.</summary>
    protected override void _toEpilog(ScalarType? dtype, Device? device, bool non_blocking)
    {
        Dictionary<string, Tensor> before = Own();
        base._toEpilog(dtype, device, non_blocking);
        Dictionary<string, Tensor> after = Own();
        foreach (
            FieldInfo field in GetType().GetFields(BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public)
        )
        {
            object? value = field.GetValue(this);
            if (value is Tensor[] many)
            {
                for (int i = 0; i < many.Length; i++)
                    many[i] = Exchanged(many[i]);
            }
            else if (value is Tensor one)
            {
                field.SetValue(this, Exchanged(one));
            }
        }

        Tensor Exchanged(Tensor tensor)
        {
            foreach (var (name, old) in before)
            {
                if (ReferenceEquals(old, tensor))
                    return after[name];
            }

            return tensor;
        }
    }

    private Dictionary<string, Tensor> Own() =>
        named_parameters(false)
            .Select(own => (own.name, Tensor: (Tensor)own.parameter))
            .Concat(named_buffers(false).Select(own => (own.name, Tensor: own.buffer)))
            .ToDictionary(own => own.name, own => own.Tensor);
}

/// <summary>A module that draws random numbers in training mode, such as dropout.</summary>
public interface IDrawsInTraining
{
    /// <summary>The generator of the draws; null in evaluation mode.</summary>
    Generator? Random { get; set; }
}
