#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
#
# package-try.sh FOLDER: installs the packages in FOLDER, on a system where that
# is allowed and that has nothing prepared (./dev fresh makes one), one after
# the other; uses each, builds and runs the examples that are there, too, and
# takes all of it away again.
set -eu
cd "$1"
disks=$(mktemp -d)

install() {
    echo "installing: $*"
    if ! DEBIAN_FRONTEND=noninteractive apt-get -q install -y \
        --no-install-recommends "$@" >apt.log 2>&1; then
        tail -n 20 apt.log >&2
        exit 1
    fi
}

# says TEXT COMMAND...: the command succeeds, and its output has TEXT in it.
says() {
    text=$1
    shift
    echo "  $*"
    "$@" >said 2>&1 && grep -qF -e "$text" said && return 0
    cat said >&2
    echo "package-try: expected \"$text\" of $*" >&2
    exit 1
}

make_disk() {
    head -c 3000000 /dev/urandom >"$disks/disk.raw"
    truncate -s 16M "$disks/disk.raw"
}

try_program() {
    install ./libvhdstream1_*.deb ./vhdstream_*.deb
    says "vhdstream $version" vhdstream --version
    says '"written"' vhdstream copy --json "$disks/disk.raw" "$disks/disk.tgz"
    says 'virtual size' vhdstream info "$disks/disk.tgz"
    says '"identical": true' \
        vhdstream compare --json "$disks/disk.raw" "$disks/disk.tgz"
}

try_library() {
    install gcc libc6-dev pkg-config ./libvhdstream-dev_*.deb
    says "$version" pkg-config --modversion vhdstream
    for example in *.c; do
        # shellcheck disable=SC2046 # a list of flags
        cc -Wall -Werror -o "${example%.c}" "$example" \
            $(pkg-config --cflags --libs vhdstream)
    done
    says destination ./copy_disk "$disks/disk.tgz" "$disks/copy.vhd"
    says pieces ./split_disk "$disks/disk.tgz" "$disks/piece"
    says data: ./used_space "$disks/copy.vhd"
    says man3/libvhdstream.3 dpkg -L libvhdstream-dev
}

try_python() {
    install python3 ./python3-vhdstream_*.deb
    says "$version" python3 -c 'import vhdstream; print(vhdstream.version())'
    says stream_to_vdis \
        python3 -c 'from vhdstream import image; print(dir(image))'
}

take_away() {
    DEBIAN_FRONTEND=noninteractive apt-get -q purge -y '*vhdstream*' \
        >apt.log 2>&1
    left=$(find /usr /etc /var -name '*vhdstream*')
    [ -z "$left" ] && return 0
    echo "package-try: purged, and still there: $left" >&2
    exit 1
}

version=$(dpkg-deb -f vhdstream_*.deb Version)
apt-get -q update >apt.log 2>&1
make_disk
try_program
try_library
try_python
take_away
rm -r "$disks"
echo "the packages of vhdstream $version are fine"
