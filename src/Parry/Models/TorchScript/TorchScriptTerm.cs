namespace Parry.Models.TorchScript;

/// <summary>What an expression in TorchScript's code stands for.</summary>
internal enum TorchScriptTermKind
{
    Value,
    Text,
    Class,
    Callable,
}

/// <summary>
/// What is known of an expression: enough to tell the members and methods of the archive's own classes from LibTorch's
/// operators of the same name.
/// </summary>
/// <param name="Kind">A value, a text written in the code, a class, or something that may be called.</param>
/// <param name="Type">The type of the value, or of what a call returns, as the archive writes it; empty if it is not
/// known.</param>
internal readonly record struct TorchScriptTerm(TorchScriptTermKind Kind, string Type = "")
{
    /// <summary>A value of which nothing is known.</summary>
    public static TorchScriptTerm Unknown { get; } = new(TorchScriptTermKind.Value);

    /// <summary>Whether it may be called.</summary>
    public bool IsCallable => Kind is TorchScriptTermKind.Callable or TorchScriptTermKind.Class;

    /// <summary>A value of a type.</summary>
    public static TorchScriptTerm Value(string type) => new(TorchScriptTermKind.Value, type);

    /// <summary>A function, a method or an operator with the type of its results.</summary>
    public static TorchScriptTerm Callable(string returns = "") => new(TorchScriptTermKind.Callable, returns);
}
