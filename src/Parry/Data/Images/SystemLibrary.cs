using System.Runtime.InteropServices;

namespace Parry.Data.Images;

/// <summary>A native library of the system, which may be missing.</summary>
internal static class SystemLibrary
{
    /// <summary>Loads the library, or says which package has it.</summary>
    /// <exception cref="UserErrorException">The library is not installed.</exception>
    public static void Require(string file, string package)
    {
        if (!NativeLibrary.TryLoad(file, typeof(SystemLibrary).Assembly, null, out _))
        {
            throw new UserErrorException($"expected the system library {file}, found none: install it with apt-get install {package}");
        }
    }
}
