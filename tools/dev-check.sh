#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
#
# ./dev check [STAGE...]: all tests and checks, or the stages named. Each stage
# writes its log to build/check/logs; results for .ci/run stand in
# build/check/results (see tools/tally.py).
set -eu
. tools/packages.sh
. tools/check-stages.sh

# shellcheck disable=SC2086 # lists of names
need $packages_build $packages_tests $packages_style $packages_clang

out=build/check
rm -rf "$out/results"
mkdir -p "$out/results" "$out/logs"

# Exit status 99 is no status of ours, so no test takes a finding for a result.
export ASAN_OPTIONS=detect_leaks=1:exitcode=99
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1:exitcode=99
export TSAN_OPTIONS=second_deadlock_stack=1:exitcode=99
export PYTHONDONTWRITEBYTECODE=1

# run STAGE...: each in a shell of its own; a line on the screen, the log in a
# file, and the log's end on the screen when it fails.
run() {
    for name in "$@"; do
        run_one "$name"
    done
}

run_one() {
    log=$out/logs/$1.log
    began=$(date +%s)
    verdict=ok
    (stage "$1") >"$log" 2>&1 </dev/null || verdict=FAILED
    seconds=$(($(date +%s) - began))
    echo "$1 $verdict" >>"$out/results/stages"
    printf '%-16s %s, %s s\n' "$1" "$verdict" "$seconds"
    [ $verdict = ok ] || tail -n 60 "$log" | sed 's/^/    | /'
}

# beside STAGE...: the same, in the background and as an afterthought.
beside() {
    # shellcheck disable=SC2016 # the inner shell shall see it
    renice -n 19 "$(exec sh -c 'echo $PPID')" >/dev/null
    run "$@"
}

# missing STAGE...: those that have no result, however that came.
missing() {
    for name in "$@"; do
        grep -q "^$name " "$out/results/stages" || echo "$name FAILED"
    done
}

# shellcheck disable=SC2046 # lists of names
if [ $# -gt 0 ]; then
    run "$@"
else
    beside $(stages_beside) &
    trap 'trap - INT TERM; kill 0' INT TERM
    run $(all_stages)
    wait
    missing $(stages_beside) $(all_stages) >"$out/results/lost"
    cat "$out/results/lost" >>"$out/results/stages"
fi
status=0
line=$(/usr/bin/python3 tools/tally.py "$out/results") || status=1
: >"$out/results/counted"
printf '\n%s\n' "$line"
exit $status
