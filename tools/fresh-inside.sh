#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
#
# The part of ./dev fresh that runs in namespaces of its own:
# fresh-inside.sh ROOT SUITE MIRROR COMMAND...
set -eu
. tools/fresh-apt.sh
root=$1
suite=$2
mirror=$3
shift 3

took() {
    echo "$1: $(($(date +%s) - began)) s"
}

make_debian() {
    extra=
    case $mirror in
    https:*) extra=--include=ca-certificates ;;
    esac
    debootstrap --variant=minbase $extra "$suite" "$root" "$mirror" \
        >"$root.log" 2>&1 || {
        tail -n 20 "$root.log" >&2
        exit 1
    }
    copy_apt "$root"
    cp /etc/resolv.conf /etc/hosts "$root/etc/"
}

copy_tree() {
    mkdir "$root/src"
    tar -c --exclude=./build --exclude=./.git --exclude=__pycache__ . |
        tar -x -C "$root/src" --no-same-owner
}

# mount_system ROOT
mount_system() {
    mount -t proc proc "$1/proc"
    mount --rbind /dev "$1/dev"
    mount -t tmpfs -o mode=1777 tmpfs "$1/dev/shm"
}

# chrooted ROOT COMMAND...: with the environment of a first login.
chrooted() {
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
        TERM="${TERM-dumb}" http_proxy="${http_proxy-}" \
        https_proxy="${https_proxy-}" no_proxy="${no_proxy-}" \
        chroot "$@" </dev/null
}

# inside COMMAND: ./dev COMMAND; packages are tried at once.
inside() {
    chrooted "$root" sh -c 'cd /src && exec ./dev "$@"' dev "$1" || return 1
    [ "$1" != package ] || try_packages
}

# A second system, into which nothing but the packages is installed.
keep_bare() {
    case " $* " in
    *" package "*) cp -a "$root" "$root.bare" ;;
    esac
}

# The packages that ./dev package left, in that system.
try_packages() {
    mkdir "$root.bare/packages" &&
        cp "$root"/src/build/package/*.deb "$root"/src/examples/*.c \
            "$root/src/tools/package-try.sh" "$root.bare/packages/" &&
        chrooted "$root.bare" sh /packages/package-try.sh /packages
}

began=$(date +%s)
make_debian
keep_bare "$@"
copy_tree
mount_system "$root"
[ ! -d "$root.bare" ] || mount_system "$root.bare"
took "a Debian of $(chroot "$root" dpkg-query -f '.\n' -W | wc -l) packages"
status=0
for command in "$@"; do
    printf '\n--- ./dev %s\n' "$command"
    began=$(date +%s)
    if inside "$command"; then
        took "--- ./dev $command is fine"
    else
        took "--- ./dev $command FAILED"
        status=1
    fi
done
exit $status
