#!/usr/bin/env bash
# Marks a copy of TorchSharp.dll as not to be optimized by the JIT compiler (the flags of its DebuggableAttribute), which
# costs no measurable time. Optimized, TorchSharp 0.107 lets the garbage collector free a number (a Scalar) while LibTorch
# still reads it: the call fails, computes with garbage, or ends the process.
#   ./torchsharp.sh FILE
set -euo pipefail
export LC_ALL=C

optimized='\x08\x01\x00\x02\x00\x00\x00\x00\x00'
plain='\x08\x01\x00\x07\x01\x00\x00\x00\x00'
if grep -qaP "$plain" "$1"; then
    exit 0
fi

if [[ $(grep -caP "$optimized" "$1") != 1 ]]; then
    echo "torchsharp.sh: $1 does not have the attribute that TorchSharp 0.107 has: look at it again" >&2
    exit 1
fi

# Replaced in one step, with the old time, so that the next build does not copy the file again.
changed=$(mktemp "$1.XXXXXX")
sed "s/$optimized/$plain/" "$1" > "$changed"
touch -r "$1" -- "$changed"
chmod --reference="$1" -- "$changed"
mv -- "$changed" "$1"
