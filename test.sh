#!/usr/bin/env bash
# Builds everything (which checks the style), checks the layout, runs the tests and a minute of torture. Words given narrow the tests: ./test.sh Png Idx
# ./test.sh --slurm runs a job array on a Slurm of this machine, which it installs, and nothing else.
# The last line is `N passed, N failed` or `N passed, N failed, N skipped`.
set -euo pipefail

cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")"
export PATH="${DOTNET_ROOT:+$DOTNET_ROOT:}$PATH"
export OMP_NUM_THREADS=1

if [[ ${1:-} == --slurm ]]; then
    ./setup.sh --quiet
    if tests/Slurm/run; then
        echo '1 passed, 0 failed'
        exit 0
    fi
    echo '0 passed, 1 failed'
    exit 1
fi

# What stops the script before the tests have run counts as one failure.
summary='0 passed, 1 failed'
trap 'echo "$summary"' EXIT

./setup.sh --quiet
mkdir -p artifacts
flock -o artifacts/build.lock dotnet build Parry.slnx -c Release --nologo -v quiet '-clp:NoSummary'
dotnet tool restore --verbosity quiet > /dev/null
dotnet csharpier check . > /dev/null || { echo 'test.sh: run `dotnet csharpier format .`' >&2; exit 1; }

assemblies=()
for folder in tests/*.Tests; do
    name=${folder##*/}
    assemblies+=("artifacts/bin/$name/release/$name.dll")
done

words=
if (($# > 0)); then
    words="($(IFS='|'; echo "$*"))&"
fi

# The attacks in one process and all else in another take about as long as each other, and keep two cores busy.
results=artifacts/test-results
rm -rf -- "$results"
run_tests() # NAME FILTER ASSEMBLY...
{
    local name=$1 filter=$2
    shift 2
    # A background job ignores Ctrl-C, nohup a hang-up, and so would the programs that the tests send them to.
    env --default-signal=INT,HUP dotnet test "$@" --nologo --filter "$words$filter" --results-directory "$results" \
        --logger "trx;LogFileName=$name.trx" --logger 'console;verbosity=minimal'
}

status=0
run_tests attacks 'FullyQualifiedName~Parry.Tests.Attacks' artifacts/bin/Parry.Tests/release/Parry.Tests.dll &
attacks=$!
run_tests others 'FullyQualifiedName!~Parry.Tests.Attacks' "${assemblies[@]}" || status=$?
wait "$attacks" || status=$?

counter()
{
    cat "$results"/*.trx 2> /dev/null | sed -n "s/.*<Counters.* $1=\"\([0-9]*\)\".*/\1/p" | awk '{ sum += $1 } END { print sum + 0 }'
}

total=$(counter total) run=$(counter executed) passed=$(counter passed)
failed=$((run - passed)) skipped=$((total - run))
if ((status != 0 && failed == 0)); then
    failed=1 # the test run itself broke
fi

# A minute of torture, for the whole run only.
if (($# == 0)); then
    if artifacts/bin/Torture/release/Torture --seconds 60; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
    fi
fi

summary="$passed passed, $failed failed"
if ((skipped > 0)); then
    summary+=", $skipped skipped"
    sed -n '/outcome="NotExecuted"/,/<\/UnitTestResult>/ {
        s/.*testName="\([^"]*\)".*/Skipped \1:/p
        s/.*<Message>\(.*\)<\/Message>.*/  \1/p
    }' "$results"/*.trx
fi

if ((run == 0)); then
    echo 'test.sh: no test ran.' >&2
fi

((failed == 0 && run > 0))
