#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
#
# ./dev bench [QUICK]: builds, then vhdstream beside its peers. ./dev bench
# GROWTH: how cost grows; writes docs/growth.md.
set -eu
. tools/packages.sh

# shellcheck disable=SC2086 # lists of names
need $packages_build $packages_bench
mkdir -p build
if ! sh tools/dev-build.sh >build/bench-build.log 2>&1; then
    cat build/bench-build.log >&2
    exit 1
fi
if [ "${1-}" = GROWTH ]; then
    exec /usr/bin/python3 tests/bench/growth.py
fi
exec /usr/bin/python3 tests/bench/bench.py "$@"
