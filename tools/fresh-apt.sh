# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
# shellcheck shell=sh disable=SC2034,SC2016
#
# To be sourced: what apt here knows of getting Debian, for a system made anew.

# A line "CODENAME RELEASE URI COMPONENT" for each archive of Debian itself.
debian_archives() {
    apt-get indextargets \
        --format '$(ORIGIN) $(CODENAME) $(RELEASE) $(REPO_URI) $(COMPONENT)' \
        'Created-By: Packages' 2>/dev/null |
        sed -n 's/^Debian //p' | grep ' main$' | sort -u
}

# Sets $suite and $mirror: of the release that this system is; empty where apt
# has none.
find_sources() {
    suite=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
    mirror=$(debian_archives |
        awk -v suite="$suite" '$1 == suite && $2 == suite { print $3; exit }')
}

# copy_apt ROOT: the same archives of this release, the keys, the proxies, the
# passwords and whether dates are checked.
copy_apt() {
    debian_archives | awk -v suite="$suite" \
        'index($1, suite) == 1 { print "deb", $3, $2, $4 }' \
        >"$1/etc/apt/sources.list"
    apt-config dump --no-empty --format '%f "%v";%n' Acquire |
        grep -E '^Acquire::(https?|ftp|Check-|Retries|ForceIPv)' \
            >"$1/etc/apt/apt.conf.d/99host" || :
    for name in trusted.gpg trusted.gpg.d keyrings auth.conf auth.conf.d; do
        [ ! -e "/etc/apt/$name" ] || cp -R "/etc/apt/$name" "$1/etc/apt/"
    done
}
