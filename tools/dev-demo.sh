#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
#
# ./dev demo: builds, then real disks through two simulated pools.
set -eu
. tools/packages.sh

# shellcheck disable=SC2086 # lists of names
need $packages_build $packages_demo
mkdir -p build
if ! sh tools/dev-build.sh >build/demo-build.log 2>&1; then
    cat build/demo-build.log >&2
    exit 1
fi
exec /usr/bin/python3 tools/demo.py "$@"
