# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""docs/options.md against the options that there are, and the verbs that take them."""

import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VERBS = ("copy", "merge", "info", "check", "repair", "map", "compare", "digest", "clean")
OF_THE_PROGRAM = {"json", "progress", "no-progress", "progress-fd", "password-file", "password-fd",
                  "quiet", "verbose", "help", "version", "picture", "os-cloud"}


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


PAGE = read("docs/options.md")
CODE = read("src/copy/options.c")
OPERATION, SIDE = PAGE.split("\n## ")[1:3]


def rows(section):
    """{option: the other cells of its row}"""
    found = re.findall(r"^\| `([\w-]+)` \|(.*)\|$", section, re.M)
    return {name: [cell.strip() for cell in rest.split("|")] for name, rest in found}


def table():
    """{option: whether it is a switch}, of struct option options[]."""
    body = CODE.partition("struct option options[] = {")[2].partition("};")[0]
    return {name: kind == "at" for name, kind in re.findall(r'\{"([\w-]+)", \.(set|at)', body)}


def listed(body):
    return set(re.findall(r'"([a-z][\w-]+)"', body.partition("};")[0]))


def test_every_option_of_an_operation_is_there():
    assert set(rows(OPERATION)) == set(table())


def test_switches_have_no_value_and_others_have_one():
    assert {name: not cells[0] for name, cells in rows(OPERATION).items()} == table()


def test_every_option_of_a_side_is_there():
    sided = listed(read("src/copy/side_options.c").partition("side_options[] = {")[2])
    assert {name for name in rows(SIDE) if not name.startswith("os-")} == sided


def test_every_option_of_openstack_is_there():
    cloud = listed(read("src/store/cloud.c").partition("cloud_options[")[2])
    found = set(re.findall(r"`(os-[\w-]+)`", SIDE))
    assert found == cloud


def test_the_calls_of_an_option_are_the_verbs_of_the_program(program):
    wanted = {}
    for verb in VERBS:
        shown = program(verb, "--help").out.decode()
        for name in re.findall(r"^ *(?:-\w, )?--([a-z-]+)", shown, re.M):
            wanted.setdefault(name, set()).add(verb)
    found = {name: set(cells[2].split(", ")) for name, cells in rows(OPERATION).items()}
    own = OF_THE_PROGRAM | set(rows(SIDE))
    assert found == {name: verbs for name, verbs in wanted.items() if name not in own}


def test_defaults_are_those_of_the_code():
    given = {name: cells[1] for name, cells in rows(OPERATION).items()}
    headers = read("src/copy/options.h") + read("src/base/retry.h")
    for option, constant in (("level", "LEVEL_DEFAULT"), ("timeout", "TIMEOUT_DEFAULT"),
                             ("retries", "RETRIES_DEFAULT"),
                             ("retry-delay", "RETRY_DELAY_DEFAULT_S")):
        assert re.match(r"\d+", given[option])[0] == \
            re.search(constant + r" = (\d+)", headers).group(1), option
