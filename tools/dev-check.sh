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

# run STAGE: in a shell of its own; a line on the screen, the log in a file, and
# the log's end on the screen when it fails.
run() {
    log=$out/logs/$1.log
    began=$(date +%s)
    printf '%-16s ' "$1"
    verdict=ok
    (stage "$1") >"$log" 2>&1 </dev/null || verdict=FAILED
    seconds=$(($(date +%s) - began))
    echo "$1 $verdict" >>"$out/results/stages"
    echo "$verdict, $seconds s"
    [ $verdict = ok ] || tail -n 60 "$log" | sed 's/^/    | /'
}

# shellcheck disable=SC2046 # a list of names
[ $# -gt 0 ] || set -- $(all_stages)
for name in "$@"; do
    run "$name"
done
status=0
line=$(/usr/bin/python3 tools/tally.py "$out/results") || status=1
: >"$out/results/counted"
printf '\n%s\n' "$line"
exit $status
