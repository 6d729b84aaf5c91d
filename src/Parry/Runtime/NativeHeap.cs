using System.Runtime.InteropServices;

namespace Parry.Runtime;

/// <summary>The C library's heap, on which LibTorch's tensors lie.</summary>
internal static partial class NativeHeap
{
    private static bool s_isUnknown = !OperatingSystem.IsLinux();

    /// <summary>The bytes in use; null where the C library does not tell.</summary>
    public static long? InUse
    {
        get
        {
            if (s_isUnknown)
                return null;
            try
            {
                Information now = mallinfo2();
                return (long)(now.InUse + now.Mapped);
            }
            catch (EntryPointNotFoundException)
            {
                s_isUnknown = true;
                return null;
            }
        }
    }

    [LibraryImport("libc")]
    private static partial Information mallinfo2();

    // struct mallinfo2 of glibc 2.33 and later.
    private readonly record struct Information(
        nuint Arena,
        nuint FreeChunks,
        nuint FastChunks,
        nuint MappedRegions,
        nuint Mapped,
        nuint Unused,
        nuint FastBytes,
        nuint InUse,
        nuint Free,
        nuint Top
    );
}
