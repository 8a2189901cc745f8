#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
#
# ./dev sweep [N]: N cases of the network sweep, spread over all; every one
# where no number is given. The log is build/sweep.log.
set -eu
. tools/packages.sh
. tools/check-stages.sh

# shellcheck disable=SC2086 # lists of names
need $packages_build $packages_tests
out=build/check
mkdir -p "$out/results"
compile plain
status=0
VHDSTREAM_SWEEP=${1:-all} PYTHONDONTWRITEBYTECODE=1 suite plain py-sweep \
    tests/pool/test_pool_sweep.py >build/sweep.log 2>&1 || status=$?
grep -E '^(FAILED|ERROR)' build/sweep.log || true
tail -n 1 build/sweep.log
exit "$status"
