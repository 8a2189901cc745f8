#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
#
# ./dev sweep [N]: N cases of the network sweep, spread over all; every one
# where no number is given, and then each call of our own code fails in turn,
# under sanitizers. The log is build/sweep.log.
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
if [ $# -eq 0 ]; then
    compile asan
    VHDSTREAM_FAULT_STEP=1 PYTHONDONTWRITEBYTECODE=1 suite asan py-faults \
        -rP tests/pool/test_pool_faults.py tests/vhd/test_chain_faults.py \
        tests/glance/test_glance_struck.py >>build/sweep.log 2>&1 || status=$?
fi
grep -E '^(FAILED|ERROR)|^[0-9]+ (points|passed|failed)' build/sweep.log || true
exit "$status"
