# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
# shellcheck shell=sh disable=SC2034
#
# To be sourced. What each command needs, as names of Debian packages, and
# need(), which installs what is missing of it.

packages_build="gcc libc6-dev meson ninja-build pkg-config libarchive-dev
    libcurl4-openssl-dev libdeflate-dev libisal-dev libjansson-dev libssl-dev
    libyaml-dev libzstd-dev"
packages_demo="e2fsprogs openssl python3 qemu-utils time"
packages_tests="e2fsprogs glance-api libcmocka-dev openssl pigz
    python3-os-xenapi python3-pytest python3-pytest-xdist qemu-utils
    busybox-static libarchive-tools strace perl p7zip-full dosfstools
    nginx-light libvhdi-utils zstd"
packages_openstack="keystone memcached python3-swiftclient swift-account
    swift-container swift-object swift-proxy"
packages_style="clang-format python3 shellcheck"
packages_clang="clang libclang-rt-dev clang-tidy cppcheck"
packages_bench="curl e2fsprogs gnuplot-nox nginx-light openssl pigz python3 zstd
    python3-os-xenapi qemu-utils time"
packages_interop="libvhdi-utils python3 qemu-utils"
packages_package="build-essential debhelper dh-python lintian"
packages_fresh="debootstrap debian-archive-keyring"

# need PACKAGE...: afterwards they are all there, or the script has ended.
need() {
    [ "${DEV_PACKAGES-}" != present ] || return 0
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null
    then
        name_packages "$@"
    fi
    missing=$(for package in "$@"; do
        is_installed "$package" || echo "$package"
    done)
    # shellcheck disable=SC2086 # a list of names
    [ -z "$missing" ] || install_packages $missing
}

is_installed() {
    status=$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) || :
    [ "$status" = installed ]
}

install_packages() {
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        as_root=sudo
        if ! command -v sudo >/dev/null; then
            echo "dev: as root, please: apt-get install $*" >&2
            exit 1
        fi
    fi
    echo "installing: $*"
    log=$(mktemp)
    quiet_apt update || echo "dev: apt-get update failed, going on" >&2
    if ! quiet_apt install -y --no-install-recommends "$@"; then
        cat "$log" >&2
        rm -f "$log"
        echo "dev: could not install: $*" >&2
        exit 1
    fi
    rm -f "$log"
}

quiet_apt() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q \
        -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1 </dev/null
}

# Another system: what it needs, in words that its packages can be found by.
name_packages() {
    cat >&2 <<END
dev: this is no Debian system, so nothing is installed. Needed are, by the
names that Debian 12 gives them:
$(echo "$@" | fmt -w 76 | sed 's/^/    /')
With these in place: DEV_PACKAGES=present ./dev ...
END
    exit 1
}
