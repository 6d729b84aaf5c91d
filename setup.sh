#!/usr/bin/env bash
# Installs the Debian packages that Parry needs and that are missing; says which, and why.
#   ./setup.sh [--quiet]     --quiet: not a word when nothing is missing
set -euo pipefail

export PATH="${DOTNET_ROOT:+$DOTNET_ROOT:}$PATH"

# package | a command or file that shows it is there | why
packages='
dataset-fashion-mnist | /usr/share/datasets/fashion-mnist/*.gz | the images of the demo
nodejs                | node                                   | bundles the charts of the reports
npm                   | npm                                    | fetches Vega-Lite, which draws the charts
'

fail()
{
    echo "setup.sh: $1" >&2
    exit "${2:-1}"
}

# Sets `missing` to the packages that are not there.
find_missing()
{
    missing=()
    local package sign why
    while IFS='|' read -r package sign why; do
        package=${package%% *} sign=${sign// /}
        if [[ -z $package ]]; then
            continue
        fi

        if ! command -v "$sign" > /dev/null && ! compgen -G "$sign" > /dev/null; then
            missing+=("$package")
            reasons[$package]=${why# }
        fi
    done <<< "$packages"
}

check_sdk()
{
    local dotnet
    # Looking for the folder is a hundred times faster than asking `dotnet --list-sdks`, which stays the judge.
    if dotnet=$(command -v dotnet) && dotnet=$(readlink -f -- "$dotnet") \
        && { compgen -G "${dotnet%/*}/sdk/10.0.*" || grep '^10\.0\.' <<< "$("$dotnet" --list-sdks)"; } > /dev/null; then
        return
    fi

    fail 'the .NET 10 SDK is needed: install it from https://dotnet.microsoft.com/download/dotnet/10.0 and put its folder in PATH or DOTNET_ROOT.'
}

install_missing()
{
    local install="apt-get install -y --no-install-recommends ${missing[*]}"
    local -a as_root=(env DEBIAN_FRONTEND=noninteractive)
    if ((EUID != 0)); then
        as_root=(sudo -n "${as_root[@]}")
    fi

    echo 'Parry needs these Debian packages:'
    local package
    for package in "${missing[@]}"; do
        printf '  %-21s  %s\n' "$package" "${reasons[$package]}"
    done

    if ! command -v apt-get > /dev/null || ! "${as_root[@]}" true 2> /dev/null; then
        echo "apt-get update && $install" >&2
        exit 1
    fi

    # One stale source must not stop the installation; the next command fails if it matters.
    "${as_root[@]}" apt-get update -qq || true
    # shellcheck disable=SC2086 # the words of the command, none of which holds a blank
    "${as_root[@]}" $install -qq -o DPkg::Lock::Timeout=600 || fail "apt-get failed; after solving its error run: $install"
}

declare -A reasons=()
check_sdk
find_missing
if ((${#missing[@]} > 0)); then
    # Of two that run at once the second waits, and then finds nothing missing.
    exec 9< "${BASH_SOURCE[0]}"
    flock 9
    find_missing
    if ((${#missing[@]} > 0)); then
        install_missing
    fi
elif [[ ${1:-} != --quiet ]]; then
    echo 'Everything that Parry needs is installed.'
fi
