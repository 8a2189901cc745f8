#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
#
# ./dev clean: removes what was built.
set -eu

rm -rf build
find . -name __pycache__ -type d -prune -exec rm -rf {} +
