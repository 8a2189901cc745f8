# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""need() of tools/packages.sh, with stand-ins for the tools of a Debian system."""

import os
import re
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SYSTEM = {
    "dpkg-query": 'case " $INSTALLED " in *" ${4} "*) printf installed ;; *) exit 1 ;; esac',
    "apt-get": """echo "apt-get $*" >>"$LOG"
        case " $* " in *" $BROKEN "*) echo no such package; exit 100 ;; esac""",
    "id": 'echo "$USER_ID"',
    "env": 'shift; exec "$@"',
    "sudo": 'echo sudo >>"$LOG"; exec "$@"',
}
PLAIN = ["mktemp", "rm", "cat", "fmt", "sed", "sh"]


@pytest.fixture
def need(tmp_path):
    """need(PACKAGE...) on a system with the tools given; (status, output, calls)."""
    def run(*packages, tools=("dpkg-query", "apt-get", "id", "env"), **environment):
        box = tmp_path / "bin"
        box.mkdir(exist_ok=True)
        for name in tools:
            (box / name).write_text("#!/bin/sh\n%s\n" % SYSTEM[name])
            (box / name).chmod(0o755)
        for name in PLAIN:
            if not (box / name).exists():
                (box / name).symlink_to("/bin/" + name)
        environment = {"PATH": str(box), "LOG": str(tmp_path / "log"), "USER_ID": "0",
                       "INSTALLED": "gcc", "BROKEN": "none", **environment}
        script = ". tools/packages.sh; need %s; echo done" % " ".join(packages)
        done = subprocess.run(["/bin/sh", "-euc", script], cwd=ROOT, env=environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        log = tmp_path / "log"
        return done.returncode, done.stdout, log.read_text().splitlines() if log.exists() else []
    return run


def test_nothing_is_done_when_all_is_there(need):
    assert need("gcc") == (0, "done\n", [])


def test_only_what_is_missing_is_installed_and_named(need):
    status, out, calls = need("gcc", "meson", "pigz")
    assert (status, out) == (0, "installing: meson pigz\ndone\n")
    update, install = calls
    assert update.endswith(" update")
    assert install.endswith(" install -y --no-install-recommends meson pigz")


def test_sudo_is_asked_by_who_is_not_root(need):
    tools = ("dpkg-query", "apt-get", "id", "env", "sudo")
    status, _, calls = need("meson", tools=tools, USER_ID="1000")
    assert status == 0
    assert calls.count("sudo") == 2


def test_without_sudo_the_command_for_root_is_named(need):
    status, out, calls = need("meson", USER_ID="1000")
    assert status == 1
    assert "apt-get install meson" in out and "done" not in out
    assert calls == []


def test_another_system_is_told_the_names_and_nothing_is_installed(need):
    status, out, calls = need("gcc", "meson", tools=("id", "env"))
    assert status == 1
    assert "gcc meson" in out and "done" not in out
    assert calls == []


def test_another_system_that_has_them_goes_on(need):
    assert need("gcc", tools=("id", "env"), DEV_PACKAGES="present")[:2] == (0, "done\n")


def test_what_cannot_be_installed_ends_it(need):
    status, out, _ = need("meson", BROKEN="install")
    assert status == 1
    assert "no such package" in out and "could not install: meson" in out


def test_old_lists_may_do(need):
    status, out, _ = need("meson", BROKEN="update")
    assert status == 0
    assert "update failed" in out


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def test_the_debian_packages_are_built_with_the_libraries_of_the_build():
    listed = re.search(r'packages_build="([^"]+)"', read("tools/packages.sh")).group(1).split()
    needed = read("debian/control").partition("Build-Depends:")[2].partition("Standards-")[0]
    found = set(re.findall(r"^ ([\w.-]+)", needed, re.M))
    assert {name for name in listed if name.startswith("lib")} - {"libc6-dev"} <= found
