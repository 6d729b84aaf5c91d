using System.Runtime.CompilerServices;
using Parry.Runtime;

namespace Parry.Tests;

/// <summary>
/// Loads LibTorch before a test touches TorchSharp, which would otherwise look for it in its own way.
/// </summary>
internal static class TestSetup
{
    [ModuleInitializer]
    internal static void Load() => TorchLibrary.Load();
}
