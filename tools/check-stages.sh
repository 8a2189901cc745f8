# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
# shellcheck shell=sh disable=SC2154
#
# To be sourced by dev-check.sh, which sets $out: the stages of ./dev check. A
# tool that is missing makes its stage fail.

all_stages() {
    echo style shell plain
    for folder in $(suites); do echo "py-$folder"; done
    echo asan py-asan
}

# What needs nothing of these and waits for nothing: it gets the time that they
# leave, one stage after the other.
stages_beside() {
    echo clang tidy cppcheck analyzer fuzz tsan
}

# The folders of tests/ that pytest has something to do in.
suites() {
    for file in tests/*/test_*.py; do
        basename "$(dirname "$file")"
    done | sort -u
}

stage() {
    case $1 in
    style) /usr/bin/python3 tools/checkstyle ;;
    shell) shellcheck -x dev tools/*.sh .ci/run ;;
    plain) compile plain && unit plain ;;
    py-asan) program_under_asan ;;
    corpus) whole_corpus plain corpus ;;
    corpus-asan) whole_corpus asan corpus-asan ;;
    py-*) compile plain && suite plain "$1" "tests/${1#py-}" ;;
    asan) compile asan && unit asan ;;
    tsan) compile tsan && races ;;
    clang) compile clang && unit clang ;;
    tidy) compile clang && tidy ;;
    cppcheck) defects ;;
    analyzer) analyzer ;;
    fuzz) compile clang && fuzz "$(fuzz_share 24)" ;;
    *) echo "no stage $1" && return 1 ;;
    esac
}

# fuzz_share SECONDS: what each target gets of them.
fuzz_share() {
    seconds=$1
    set -- tests/fuzz/fuzz_*.c
    echo $((seconds / $# + 1))
}

# fuzz SECONDS: each target for that long, of clang's build.
fuzz() {
    VHDSTREAM_FUZZ_BUILD=$out/clang sh tools/dev-fuzz.sh "$1"
}

# compile NAME: brings the build $out/NAME up to date.
compile() {
    compiler=gcc
    set -- "$1" -Dfaults=false
    case $1 in
    asan) set -- "$1" -Dfaults=true -Db_sanitize=address,undefined ;;
    tsan) set -- "$@" -Db_sanitize=thread ;;
    clang)
        compiler=clang
        set -- "$@" -Dfuzz=true -Db_sanitize=address,undefined
        ;;
    esac
    name=$1
    shift
    [ -f "$out/$name/build.ninja" ] ||
        CC=$compiler /usr/bin/meson setup "$out/$name" "$@" || return 1
    ninja --quiet -C "$out/$name"
}

# unit NAME [OPTION...]: the unit tests of that build.
unit() {
    name=$1
    shift
    status=0
    steady /usr/bin/meson test -C "$out/$name" --no-rebuild \
        --print-errorlogs --timeout-multiplier 5 "$@" || status=$?
    cp "$out/$name/meson-logs/testlog.junit.xml" "$out/results/$name.xml"
    return "$status"
}

# Runs it with its memory where the linker put it: the thread sanitizer of gcc
# 12 does not know where newer kernels scatter things.
steady() {
    if setarch "$(uname -m)" -R true 2>/dev/null; then
        setarch "$(uname -m)" -R "$@"
    else
        "$@"
    fi
}

# What has threads, again and again: races show on some runs only.
races() {
    unit tsan --suite threads --repeat 3
}

# suite BUILD RESULT PATH [OPTION...]: pytest, with the program of that build.
suite() {
    program=$PWD/$out/$1/cli/vhdstream
    result=$out/results/$2.xml
    shift 2
    VHDSTREAM_CHECK=1 VHDSTREAM=$program \
        timeout -k 10 1500 /usr/bin/python3 -m pytest -q -n 3 \
        -p no:cacheprovider --junitxml="$result" "$@"
}

# The tests that run the program, with the program under sanitizers.
program_under_asan() {
    compile asan || return 1
    status=0
    suite asan py-asan tests --program-only || status=$?
    [ "$status" -ne 5 ] || status=0 # 5: there are none yet
    return "$status"
}

# whole_corpus BUILD RESULT: every VHD of the corpus, not only the quick part;
# not among all stages, since it takes minutes.
whole_corpus() {
    compile "$1" || return 1
    /usr/bin/python3 tests/corpus/build.py build/corpus || return 1
    VHDSTREAM_CORPUS=$PWD/build/corpus suite "$1" "$2" tests/vhd
}

# The analyzer sees one file at a time; tools/analyzer.h tells it what errors
# are. err.c, which defines them, goes without. A line a file is left out.
tidy() {
    status=0
    /usr/bin/python3 /usr/bin/run-clang-tidy -quiet -p "$out/clang" -j 2 \
        -extra-arg=-include -extra-arg="$PWD/tools/analyzer.h" \
        "^$PWD/(src|cli)/(?!base/err\.c)" >"$out/tidy" 2>&1 || status=1
    clang-tidy -quiet -p "$out/clang" src/base/err.c >>"$out/tidy" 2>&1 ||
        status=1
    grep -v -e '^clang-tidy' -e 'warnings* generated' "$out/tidy"
    return "$status"
}

defects() {
    cppcheck -q -j 2 --std=c11 --library=posix -I src -I include \
        --enable=warning,portability,performance --inline-suppr \
        --suppressions-list=tools/cppcheck.txt --error-exitcode=1 src cli
}

# gcc's own analyzer, which follows paths through functions and, by
# tools/analyzer.h, through TRY. Without optimisation: inlined code hides paths.
analyzer() {
    analyzer_is_awake || return 1
    find src cli -name '*.c' ! -path src/base/err.c -print0 |
        xargs -0 -P 2 -n 1 gcc -fanalyzer -Werror -std=gnu17 -O0 -pthread \
            -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 '-DVHDSTREAM_VERSION="0"' \
            -I src -I include -include tools/analyzer.h -S -o /dev/null &&
        gcc -fanalyzer -Werror -std=gnu17 -O0 -D_GNU_SOURCE -I src -S \
            -o /dev/null src/base/err.c
}

# It has to find the leak behind a TRY before its silence means anything.
analyzer_is_awake() {
    printf '%s\n' '#include <stdlib.h>' \
        'int leaks(char **out, struct err *e);' \
        'int leaks(char **out, struct err *e) {' \
        'char *p = malloc(1); if (!p) return err_set(e, ERR_FAILED, "x");' \
        'TRY(*out ? err_set(e, ERR_FAILED, "y") : 0); *out = p; return 0; }' |
        gcc -fanalyzer -std=gnu17 -I src -include tools/analyzer.h -S \
            -o /dev/null -x c - 2>&1 | grep -q 'Wanalyzer-malloc-leak'
}
