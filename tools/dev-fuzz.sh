#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
#
# ./dev fuzz [SECONDS]: each target of tests/fuzz for that long. What it learns
# stays in build/fuzz-corpus; what breaks a decoder is left in build/fuzz-found.
# VHDSTREAM_FUZZ_BUILD names a folder that has the targets already.
set -eu
. tools/packages.sh

seconds=${1:-60}
# shellcheck disable=SC2086 # lists of names
need $packages_build $packages_clang python3
build=${VHDSTREAM_FUZZ_BUILD:-build/fuzz}
if [ ! -f "$build/build.ninja" ]; then
    CC=clang /usr/bin/meson setup "$build" -Dfuzz=true -Dtests=false \
        -Db_sanitize=address,undefined -Db_lundef=false
fi
ninja --quiet -C "$build"
/usr/bin/python3 tests/fuzz/make_seeds.py build/fuzz-seeds
mkdir -p build/fuzz-found
status=0
for source in tests/fuzz/fuzz_*.c; do
    name=$(basename "$source" .c)
    corpus=build/fuzz-corpus/${name#fuzz_}
    log=build/fuzz-found/$name.log
    mkdir -p "$corpus"
    printf '%s, %s s: ' "$name" "$seconds"
    if "$build/tests/fuzz/$name" -max_total_time="$seconds" -timeout=10 \
        -rss_limit_mb=1024 -print_final_stats=1 -verbosity=0 \
        -artifact_prefix="build/fuzz-found/$name-" \
        "$corpus" "build/fuzz-seeds/${name#fuzz_}" >"$log" 2>&1; then
        awk '/number_of_executed/ { print $2 " inputs, nothing found" }' "$log"
    else
        echo "FOUND, see $log"
        tail -n 40 "$log"
        status=1
    fi
done
exit $status
