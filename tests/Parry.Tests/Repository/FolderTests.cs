using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Parry.Tests.Repository;

/// <summary>
/// Which folder of the library uses which, read from what the compiler made: directives and qualified names alike.
/// </summary>
public class FolderTests
{
    /// <summary>Bottom to top: a folder uses those before it. The library's own folder is "".</summary>
    private static readonly string[] s_layers =
    [
        "Runtime",
        "",
        "Options",
        "Data",
        "Models",
        "Generative",
        "Attacks",
        "Defenses",
        "Catalogs",
        "Evaluation",
        "Reports",
    ];

    /// <summary>Folders as in "Attacks.WhiteBox".</summary>
    private static readonly HashSet<(string From, string To)> s_uses = ReadUses();

    [Fact]
    public void Every_folder_of_the_library_has_its_layer() =>
        Assert.Empty(s_uses.Select(use => Top(use.From)).Except(s_layers));

    [Fact]
    public void A_folder_uses_only_the_layers_below_it() =>
        Assert.Empty(
            from use in s_uses
            where Layer(use.From) < Layer(use.To) && use.To.Length > 0
            select $"{Top(use.From)} -> {Top(use.To)}"
        );

    [Fact]
    public void What_attacks_are_built_from_uses_no_family_of_attacks() =>
        Assert.DoesNotContain(
            s_uses,
            use => use.From == "Attacks.Building" && use.To.StartsWith("Attacks.", StringComparison.Ordinal)
        );

    [Fact]
    public void Folders_in_one_folder_do_not_use_each_other_in_a_circle()
    {
        ILookup<string, string> siblings = s_uses
            .Select(Siblings)
            .OfType<(string From, string To)>()
            .Distinct()
            .ToLookup(use => use.From, use => use.To);
        Dictionary<string, HashSet<string>> reached = siblings.ToDictionary(uses => uses.Key, uses => Reach(uses.Key));
        Assert.Empty(
            from folder in reached.Keys
            where reached[folder].Contains(folder)
            let circle = reached[folder].Where(other => reached.GetValueOrDefault(other)?.Contains(folder) == true)
            select string.Join(", ", circle.Order(StringComparer.Ordinal))
        );

        HashSet<string> Reach(string folder)
        {
            var seen = new HashSet<string>();
            var open = new Stack<string>(siblings[folder]);
            while (open.TryPop(out string? next))
            {
                if (!seen.Add(next))
                    continue;
                foreach (string other in siblings[next])
                    open.Push(other);
            }

            return seen;
        }
    }

    private static string Top(string folder) => folder.Split('.')[0];

    private static int Layer(string folder) => Array.IndexOf(s_layers, Top(folder));

    // The two folders in the innermost one that holds both; null where that is the library itself, which has layers, or
    // one of the two.
    private static (string, string)? Siblings((string From, string To) use)
    {
        string[] from = use.From.Split('.');
        string[] to = use.To.Split('.');
        int shared = from.Zip(to).TakeWhile(pair => pair.First == pair.Second).Count();
        return shared == 0 || shared == from.Length || shared == to.Length
            ? null
            : (string.Join('.', from[..(shared + 1)]), string.Join('.', to[..(shared + 1)]));
    }

    private static HashSet<(string From, string To)> ReadUses()
    {
        using var library = ModuleDefinition.ReadModule(typeof(UserErrorException).Assembly.Location);
        var uses = new HashSet<(string From, string To)>();
        foreach (TypeDefinition type in library.GetTypes())
        {
            string? from = Folder(type);
            foreach (TypeReference used in Mentioned(type).SelectMany(Named))
            {
                if (from is not null && Folder(used) is { } to && from != to)
                    uses.Add((from, to));
            }
        }

        return uses;
    }

    private static string? Folder(TypeReference type)
    {
        while (type.DeclaringType is not null)
            type = type.DeclaringType;
        return type.Namespace == "Parry" ? ""
            : type.Namespace.StartsWith("Parry.", StringComparison.Ordinal) ? type.Namespace["Parry.".Length..]
            : null;
    }

    private static IEnumerable<TypeReference?> Mentioned(TypeDefinition type) =>
        [
            type.BaseType,
            .. type.Interfaces.Select(entry => entry.InterfaceType),
            .. type.CustomAttributes.Select(attribute => attribute.AttributeType),
            .. type
                .GenericParameters.SelectMany(parameter => parameter.Constraints)
                .Select(entry => entry.ConstraintType),
            .. type.Fields.Select(field => field.FieldType),
            .. type.Methods.SelectMany(Mentioned),
            .. type.Methods.Where(method => method.HasBody).SelectMany(method => Mentioned(method.Body)),
        ];

    private static IEnumerable<TypeReference?> Mentioned(MethodReference method) =>
        [
            method.DeclaringType,
            method.ReturnType,
            .. method.Parameters.Select(parameter => parameter.ParameterType),
            .. (method as GenericInstanceMethod)?.GenericArguments ?? [],
        ];

    private static IEnumerable<TypeReference?> Mentioned(MethodBody body) =>
        body
            .Variables.Select(variable => variable.VariableType)
            .Concat(
                body.Instructions.SelectMany(instruction =>
                    instruction.Operand switch
                    {
                        TypeReference type => [type],
                        MethodReference method => Mentioned(method),
                        FieldReference field => [field.DeclaringType, field.FieldType],
                        _ => [],
                    }
                )
            );

    // The types that a constructed one is made of.
    private static IEnumerable<TypeReference> Named(TypeReference? type) =>
        type switch
        {
            null or GenericParameter => [],
            GenericInstanceType instance => instance.GenericArguments.Append(instance.ElementType).SelectMany(Named),
            TypeSpecification specification => Named(specification.ElementType),
            _ => [type],
        };
}
