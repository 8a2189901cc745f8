#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
#
# ./dev soak [N [SEED]]: N transfers (1000) with random faults, one after the
# other; what is drawn depends on the seed alone, which is printed. Then runs
# that are killed somewhere, a fifth as many, with `clean` and --resume after.
set -eu
. tools/packages.sh
. tools/check-stages.sh

# shellcheck disable=SC2086 # lists of names
need $packages_build $packages_tests
out=build/check
mkdir -p "$out"
compile plain
# shellcheck disable=SC2086 # the seed may be missing
PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 tests/soak/soak.py \
    "$out/plain/cli/vhdstream" "$out/plain/tests/unit/soaktool" "${1:-1000}" \
    ${2:-}
mkdir -p "$out/results"
export VHDSTREAM_KILLS=$((${1:-1000} / 10))
PYTHONDONTWRITEBYTECODE=1 suite plain py-killed tests/pool/test_pool_killed.py
