#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
#
# ./dev format: lays out all C files.
set -eu
. tools/packages.sh

need clang-format
find src cli include tests examples \( -name '*.c' -o -name '*.h' \) \
    -exec clang-format -i --style=file {} + 2>/dev/null
