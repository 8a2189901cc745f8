#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
#
# ./dev package: the Debian packages, at build/package/, from a copy of this
# tree, and what lintian has to say of them. It installs none of them: ./dev
# fresh does, in a bare system (package-try.sh).
set -eu
. tools/packages.sh

# shellcheck disable=SC2086 # lists of names
need $packages_build $packages_package
out=$PWD/build/package
tree=$out/vhdstream
rm -rf "$out"
mkdir -p "$tree"
tar -c --exclude=./build --exclude=./.git --exclude=__pycache__ . |
    tar -x -C "$tree" --no-same-owner

# Debian's own tools, whatever else is in the path.
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH
if ! (cd "$tree" && exec dpkg-buildpackage -b -us -uc) >"$out/log" 2>&1; then
    tail -n 40 "$out/log" >&2
    echo "dev: no packages could be built; all of it: build/package/log" >&2
    exit 1
fi
rm -rf "$tree"
first=initial-upload-closes-no-bugs
# Nobody has published them yet, so there is no address and no bug to close.
lintian --allow-root --fail-on error,warning --display-info --suppress-tags \
    bogus-mail-host,bogus-mail-host-in-debian-changelog,$first "$out"/*.changes
for package in "$out"/*.deb; do
    echo "build/package/${package##*/}"
done
