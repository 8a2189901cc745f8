#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
#
# ./dev build: the program, optimised, at build/vhdstream.
set -eu
. tools/packages.sh

# shellcheck disable=SC2086 # a list of names
need $packages_build
if [ ! -f build/release/build.ninja ]; then
    /usr/bin/meson setup build/release --buildtype=release -Dtests=false
fi
ninja -C build/release
ln -sf release/cli/vhdstream build/vhdstream
echo "build/vhdstream: $(build/vhdstream --version)"
