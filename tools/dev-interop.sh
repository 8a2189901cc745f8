#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
#
# ./dev interop: builds, then vhdstream and its peers over the whole corpus.
set -eu
. tools/packages.sh

# shellcheck disable=SC2086 # lists of names
need $packages_build $packages_interop
mkdir -p build
if ! sh tools/dev-build.sh >build/interop-build.log 2>&1; then
    cat build/interop-build.log >&2
    exit 1
fi
export PYTHONDONTWRITEBYTECODE=1
/usr/bin/python3 tests/corpus/build.py build/corpus
VHDSTREAM=$PWD/build/vhdstream exec /usr/bin/python3 tests/interop/interop.py \
    build/corpus docs/interop.md
