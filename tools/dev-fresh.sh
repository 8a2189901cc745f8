#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
#
# ./dev fresh [COMMAND...]: whether the commands (demo, check and package) work
# on a Debian system with nothing prepared. Makes one in a temporary folder,
# from the sources and with the settings of this system's apt, copies this tree
# into it and runs them there; packages are then installed in a second one. What
# it mounts and starts lives in namespaces of its own and goes with them,
# however it ends.
set -eu
. tools/packages.sh
. tools/fresh-apt.sh

# shellcheck disable=SC2086 # a list of names
need $packages_fresh
if [ "$(id -u)" -ne 0 ]; then
    exec sudo --preserve-env=http_proxy,https_proxy,no_proxy sh "$0" "$@"
fi
[ $# -gt 0 ] || set -- demo check package

find_sources
[ -n "$mirror" ] || apt-get -q update >/dev/null
find_sources
if [ -z "$mirror" ]; then
    echo "dev: apt has no source of a Debian release here" >&2
    exit 1
fi

root=$(mktemp -d "${TMPDIR:-/tmp}/vhdstream-fresh.XXXXXX")
child=
# shellcheck disable=SC2317 # the trap calls it
end() {
    trap - EXIT INT TERM HUP
    [ -z "$child" ] || kill -KILL "$child" 2>/dev/null || :
    wait
    rm -rf --one-file-system "$root"
    echo "removed $root"
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

mkdir "$root/debian"
echo "Debian $suite in $root"
status=0
unshare --mount --propagation private --pid --fork --kill-child --mount-proc \
    sh tools/fresh-inside.sh "$root/debian" "$suite" "$mirror" "$@" &
child=$!
wait "$child" || status=$?
child=
exit "$status"
