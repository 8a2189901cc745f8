# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""docs/errors.md against the code: statuses, messages, codes of XAPI, answers of HTTP."""

import glob
import os
import re

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def sources():
    return glob.glob(os.path.join(ROOT, "src", "**", "*.c"), recursive=True)


PAGE = read("docs/errors.md")
FORMAT = r'((?:"(?:[^"\\]|\\.)*"\s*|PRI\w+\s*)+)'
CALL = re.compile(r"err_set\(\s*[^,]+,\s*ERR_(\w+),\s*" + FORMAT)


def exit_statuses():
    """{code: status}, by what err_exit says."""
    body = read("src/base/err.c").partition("int err_exit(")[2]
    out, waiting = {}, []
    for code, status in re.findall(r"case ERR_(\w+):|return (\d+);", body):
        if code:
            waiting.append(code)
        else:
            out.update((name, int(status)) for name in waiting)
            waiting = []
    return dict(out, FAILED=1)


STATUS = exit_statuses()


def messages():
    """(status, message as its format, file): all that the library describes itself."""
    for path in sorted(sources()):
        for code, parts in CALL.findall(read(path)):
            text = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', parts))
            yield STATUS[code], text, os.path.basename(path)


def sections():
    """{status: fragments of messages}"""
    out = {}
    for title, body in re.findall(r"^## (\d+)[^\n]*\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S):
        rows = [line.split(" | ")[0] for line in body.splitlines() if line.startswith("| `")]
        out[int(title)] = [word for row in rows for word in re.findall(r"`([^`]+)`", row)]
    return out


FRAGMENTS = sections()


def test_every_status_of_the_library_is_there():
    header = read("include/vhdstream.h").partition("enum vhdstream_status {")[2].partition("}")[0]
    wanted = {name: int(value) for name, value in
              re.findall(r"(VHDSTREAM_\w+) = (\d+)", header)}
    found = {name: int(status) for status, name in
             re.findall(r"^\| (\d+)[^|]*\| `(VHDSTREAM_\w+)`", PAGE, re.M)}
    assert found == wanted
    assert set(STATUS.values()) <= set(wanted.values())


def test_statuses_are_those_of_the_man_page():
    man = read("man/vhdstream.1").partition('.SH "EXIT STATUS"')[2].partition(".SH ")[0]
    table = re.findall(r"^\| ([\d, ]+) \| `VHDSTREAM_", PAGE, re.M)
    assert re.findall(r"\d+", " ".join(table)) == \
        [n for line in re.findall(r"^\.BR? (\d.*)$", man, re.M) for n in re.findall(r"\d+", line)]


def test_every_message_is_of_a_kind_that_the_page_tells_of():
    missing = [(status, text, file) for status, text, file in messages()
               if status != 2 and text not in ("%s", "%s: %s")
               and not any(word in text for word in FRAGMENTS[status])]
    assert not missing, "\n".join(map(str, missing))


def test_every_kind_of_message_is_still_in_the_code():
    literal = {}                                    # by status; verdicts have their words elsewhere
    for status, text, _ in messages():
        literal[status] = literal.get(status, "") + "\n" + text
    code = "".join(read(path) for path in sources())
    everywhere = re.sub(r'"\s*\n?\s*(?:PRI\w+\s*)?"', "", code)
    dead = [(status, word) for status, words in FRAGMENTS.items() for word in words
            if word not in literal.get(status, "") and word not in everywhere]
    assert not dead, dead


def test_every_code_of_xapi_is_there_with_its_status():
    table = read("src/xapi/xapi_fault.c").partition("meanings[]")[2].partition("};")[0]
    wanted = {code: STATUS[kind] for code, kind in re.findall(r'\{"(\w+)", ERR_(\w+),', table)}
    found = {code: int(status) for code, status in
             re.findall(r"^\| `([A-Z_0-9]+)` \| (\d+) \|", PAGE, re.M)}
    assert found == wanted


def test_answers_of_http_have_the_status_that_the_page_says():
    body = read("src/io/http_note.c").partition("int http_status_code(")[2]
    table, waiting = {}, []
    for answer, code in re.findall(r"case (\d+):|return ERR_(\w+);", body.partition("default:")[0]):
        if answer:
            waiting.append(int(answer))
        else:
            table.update((number, STATUS[code]) for number in waiting)
            waiting = []
    rows = re.findall(r"^\| (\d{3}(?:, \d{3})*)[^|]*\| (\d+)", PAGE, re.M)
    found = {int(n): int(status) for answers, status in rows for n in answers.split(", ")}
    assert found == table


def test_the_sections_are_those_of_the_statuses():
    assert set(FRAGMENTS) == {s for s in STATUS.values() if s}
