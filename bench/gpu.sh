#!/usr/bin/env bash
# Measures Parry on a GPU, on a machine that has PyTorch with CUDA and needs neither .NET nor a network.
#   bench/gpu.sh pack ARCHIVE.tar.xz [MNIST-MODEL [CIFAR10-MODEL]]
#       here: packs the programs without LibTorch, the models (without a name: the shipped mnist/a, and no rows on CIFAR-10),
#       the test images from $PARRY_DATA, and this script
#   tar -xf ARCHIVE.tar.xz && parry-gpu/gpu.sh [DEVICE]
#       there: prints the tables, with the LibTorch of python3's PyTorch or of PARRY_LIBTORCH; DEVICE is cuda
set -euo pipefail

here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")

fail()
{
    echo "gpu.sh: $1" >&2
    exit 2
}

pack()
{
    local archive=$1 mnist=${2:-$here/../models/mnist-a.safetensors} cifar=${3:-} file
    local data=${PARRY_DATA:?gpu.sh: set PARRY_DATA to the folder with the data sets}
    for file in "$mnist" ${cifar:+"$cifar"}; do
        [[ -f $file ]] || fail "there is no model $file"
    done

    stage=$(mktemp -d)
    trap 'rm -rf -- "$stage"' EXIT
    local to=$stage/parry-gpu
    mkdir -p "$to/models" "$to/data/mnist"
    # In a folder of its own, so that the next build does not take these programs for the ones with LibTorch. The second
    # one replaces what the first brought of it, which would need .NET.
    local project
    for project in "$here/Parry.Benchmarks" "$here/../src/Parry.Cli"; do
        dotnet publish "$project" -c Release -r linux-x64 --self-contained --nologo -v quiet \
            -p:BringsLibTorch=false --artifacts-path "$stage/build" -o "$to/program"
    done

    # What reads pictures and solves linear programs is two thirds of the program, and not measured; nor does anything
    # here need BenchmarkDotNet.
    (
        cd -- "$to/program"
        rm -f -- google-ortools-native.so libortools* libscip* libhighs* libC* libOsi* libprotobuf* libabsl* libre2* libSkiaSharp*
        rm -rf -- BenchmarkDotNet* Microsoft.CodeAnalysis* Microsoft.Diagnostics* Gee.External* Iced.dll
    )
    cp -- "$here/gpu.sh" "$to/"
    cp -- "$mnist" "$to/models/mnist.${mnist##*.}"
    cp -- "$data"/mnist/t10k-* "$to/data/mnist/"
    if [[ -n $cifar ]]; then
        mkdir "$to/data/cifar-10-batches-bin"
        cp -- "$cifar" "$to/models/cifar10.${cifar##*.}"
        cp -- "$data/cifar-10-batches-bin/test_batch.bin" "$to/data/cifar-10-batches-bin/"
    fi

    tar -C "$stage" -cf - parry-gpu | xz -T0 > "$archive.new"
    mv -- "$archive.new" "$archive"
    du -h -- "$archive"
}

measure()
{
    local device=$1
    if [[ -z ${PARRY_LIBTORCH:-} ]]; then
        PARRY_LIBTORCH=$(python3 -c 'import os, torch; print(os.path.join(os.path.dirname(torch.__file__), "lib"))' 2> /dev/null) \
            || fail 'python3 has no PyTorch: set PARRY_LIBTORCH to the folder with libtorch_cuda.so'
    fi

    export PARRY_LIBTORCH PARRY_DATA=$here/data
    "$here/program/Parry.Cli" doctor --device "$device"
    local status=0
    "$here/program/Parry.Benchmarks" gpu --device "$device" --model "$here"/models/mnist.* || status=$?
    if compgen -G "$here/models/cifar10.*" > /dev/null; then
        "$here/program/Parry.Benchmarks" gpu --device "$device" --data cifar10 --model "$here"/models/cifar10.* || status=$?
    fi

    return "$status"
}

if [[ ${1:-} == pack && -n ${2:-} ]]; then
    pack "${@:2}"
elif [[ -x $here/program/Parry.Benchmarks ]]; then
    measure "${1:-cuda}"
else
    sed -n '2,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
fi
