#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
#
# ./dev fuzz [SECONDS]: each target of tests/fuzz for that long. What it learns
# stays in build/fuzz-corpus; what breaks a decoder is left in build/fuzz-found.
set -eu
. tools/packages.sh

seconds=${1:-60}
# shellcheck disable=SC2086 # lists of names
need $packages_build $packages_clang
if [ ! -f build/fuzz/build.ninja ]; then
    CC=clang /usr/bin/meson setup build/fuzz -Dfuzz=true -Dtests=false \
        -Db_sanitize=address,undefined -Db_lundef=false
fi
ninja -C build/fuzz
mkdir -p build/fuzz-found
status=0
for source in tests/fuzz/fuzz_*.c; do
    [ -e "$source" ] || continue
    name=$(basename "$source" .c)
    seeds=tests/fuzz/seeds/${name#fuzz_}
    mkdir -p "build/fuzz-corpus/$name"
    set -- "build/fuzz-corpus/$name"
    [ ! -d "$seeds" ] || set -- "$@" "$seeds"
    echo "$name, $seconds s"
    "build/fuzz/tests/fuzz/$name" -max_total_time="$seconds" -timeout=10 \
        -rss_limit_mb=1024 -print_final_stats=1 -verbosity=0 \
        -artifact_prefix="build/fuzz-found/$name-" "$@" || status=1
done
exit $status
