#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
#
# ./dev openstack: images in a Glance that asks a real Keystone who comes, and
# in one that keeps them in a real Swift; ./dev check has a false Keystone, and
# files. The log is build/openstack.log.
set -eu
. tools/packages.sh
. tools/check-stages.sh

# shellcheck disable=SC2086 # lists of names
need $packages_build $packages_tests $packages_openstack
out=build/check
mkdir -p "$out/results"
compile plain
status=0
PYTHONDONTWRITEBYTECODE=1 suite plain py-openstack -n 0 \
    tests/openstack/real_cloud.py tests/openstack/real_swift.py \
    >build/openstack.log 2>&1 || status=$?
grep -E '^(FAILED|ERROR)|^[0-9]+ (passed|failed)' build/openstack.log || true
exit "$status"
