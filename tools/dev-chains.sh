#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
#
# ./dev chains: chain images of three members in every order, of thirty in
# twenty orders, into every type of SR and into files; then a hundred rounds of
# writes and deltas, and every point in time again. ./dev check has a few of
# these. The log is build/chains.log.
set -eu
. tools/packages.sh
. tools/check-stages.sh

# shellcheck disable=SC2086 # lists of names
need $packages_build $packages_tests
out=build/check
mkdir -p "$out/results"
compile plain
status=0
CHAINS=all VHDSTREAM_ROUNDS=100 PYTHONDONTWRITEBYTECODE=1 suite plain \
    py-chains tests/chain tests/delta/test_delta_rounds.py \
    >build/chains.log 2>&1 || status=$?
grep -E '^(FAILED|ERROR)|^[0-9]+ (passed|failed)' build/chains.log || true
exit "$status"
