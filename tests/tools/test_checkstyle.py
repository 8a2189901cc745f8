# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""tools/checkstyle: each rule finds what it is for, and nothing in a clean tree."""

import importlib.machinery
import importlib.util
import os

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HEAD = "/* SPDX-License-Identifier: Apache-2.0 */\n/* Copyright the vhdstream authors */\n"


def load():
    path = os.path.join(ROOT, "tools", "checkstyle")
    loader = importlib.machinery.SourceFileLoader("checkstyle", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("checkstyle", loader))
    loader.exec_module(module)
    return module


checkstyle = load()


@pytest.fixture
def check(tmp_path):
    """Writes the files given and returns the names of the rules that complain."""
    def run(**files):
        for path, text in files.items():
            target = tmp_path / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        return [found[2] for found in checkstyle.findings(str(tmp_path))]
    return run


def body(lines):
    return HEAD + "void f(void)\n{\n" + "    g();\n" * (lines - 2) + "}\n"


def test_a_clean_file_passes(check):
    assert check(**{"src/io/a.c": HEAD + '#include "base/err.h"\n#include "io/b.h"\n'}) == []


def test_each_line_of_the_licence_is_wanted(check):
    assert check(**{"a.c": "int x;\n"}) == ["licence", "licence"]


def test_licence_of_a_script_may_follow_its_first_line(check):
    lines = HEAD.replace("/* ", "# ").replace(" */", "")
    assert check(**{"dev": "#!/bin/sh\n" + lines}) == []


@pytest.mark.parametrize("length, wanted", [(80, []), (81, ["line_length"])])
def test_lines_of_80_columns(check, length, wanted):
    assert check(**{"a.c": HEAD + "/" * length + "\n"}) == wanted


@pytest.mark.parametrize("text", ["int x; \n", "\tint x;\n", "int x;"])
def test_tabs_trailing_space_and_a_missing_newline(check, text):
    assert check(**{"a.c": HEAD + text}) == ["white_space"]


@pytest.mark.parametrize("lines, wanted", [(60, []), (61, ["function_length"])])
def test_c_functions_of_60_lines(check, lines, wanted):
    assert check(**{"a.c": body(lines)}) == wanted


def test_python_functions_of_60_lines(check):
    head = HEAD.replace("/* ", "# ").replace(" */", "")
    assert check(**{"a.py": head + "def f():\n" + "    g()\n" * 60}) == ["function_length"]


@pytest.mark.parametrize("lines, wanted", [(500, []), (501, ["file_length"])])
def test_files_of_500_lines(check, lines, wanted):
    assert check(**{"a.c": HEAD + "int x;\n" * (lines - 2)}) == wanted


def test_include_guard_has_the_name_of_the_file(check):
    guard = "#ifndef VHDSTREAM_%s_H\n#define VHDSTREAM_%s_H\n#endif\n"
    assert check(**{"src/io/a.h": HEAD + guard % ("B", "B")}) == ["include_guard"]
    assert check(**{"src/io/a.h": HEAD + guard % ("A", "A")}) == []


@pytest.mark.parametrize("path, header", [
    ("src/base/a.c", "io/source.h"), ("src/io/a.c", "image/image.h"),
    ("src/image/a.c", "xapi/vdi.h"), ("src/xapi/a.c", "store/glance.h"),
    ("src/store/a.c", "copy/copy.h"), ("src/copy/a.c", "cli/bar.h"), ("src/odd/a.c", "odd/b.h"),
])
def test_includes_go_one_way(check, path, header):
    assert check(**{path: HEAD + '#include "%s"\n' % header}) == ["include_direction"]


@pytest.mark.parametrize("path, header", [
    ("src/io/gzip.c", "curl/curl.h"), ("src/image/a.c", "archive.h"), ("src/io/a.c", "jansson.h"),
])
def test_a_library_has_one_door(check, path, header):
    assert check(**{path: HEAD + "#include <%s>\n" % header}) == ["one_user"]


def test_curl_is_for_http(check):
    assert check(**{"src/io/http_tls.c": HEAD + "#include <curl/curl.h>\n"}) == []


@pytest.mark.parametrize("call", ['printf("x")', "exit(1)", 'getenv("X")', "f(stderr)"])
def test_the_library_is_quiet(check, call):
    assert check(**{"src/io/a.c": HEAD + "int x = %s;\n" % call}) == ["quiet_library"]


def test_the_program_may_speak(check):
    assert check(**{"cli/a.c": HEAD + 'int x = printf("x");\n'}) == []


def test_words_in_comments_and_strings_are_no_calls(check):
    text = '/* exit(1) */\n// printf(x)\nchar *s = "malloc(1) \\" exit(1)";\n'
    assert check(**{"src/io/a.c": HEAD + text}) == []


@pytest.mark.parametrize("call", ["strcpy(a, b)", "sprintf(a, b)", "atoi(a)", "alloca(a)"])
def test_dangerous_calls(check, call):
    assert check(**{"cli/a.c": HEAD + "int x = %s;\n" % call}) == ["dangerous_calls"]


def test_calls_with_one_state_for_all_threads_are_not_for_the_library(check):
    assert check(**{"src/io/a.c": HEAD + "int x = strtok(a, b);\n"}) == ["dangerous_calls"]
    assert check(**{"src/io/a.c": HEAD, "cli/b.c": HEAD + "int x = strtok(a, b);\n"}) == []


@pytest.mark.parametrize("call, rule", [
    ("malloc(1)", "memory_seam"), ("strdup(s)", "memory_seam"), ("open(p, 0)", "file_seam"),
    ("fsync(fd)", "file_seam"),
])
def test_seams_are_not_passed_by(check, call, rule):
    assert check(**{"src/io/a.c": HEAD + "int x = %s;\n" % call}) == [rule]


def test_methods_and_longer_names_are_no_system_calls(check):
    text = "int x = s->ops->read(s) + source_read(s);\n"
    assert check(**{"src/io/a.c": HEAD + text}) == []


def test_structs_are_not_hidden(check):
    assert check(**{"a.c": HEAD + "typedef struct x x;\n"}) == ["plain_types"]
    assert check(**{"a.c": HEAD + "typedef int work(void *slot);\n"}) == []


def test_structs_are_not_packed(check):
    text = "struct __attribute__((packed)) x {\n};\n"
    assert check(**{"a.c": HEAD + text}) == ["plain_types"]


@pytest.mark.parametrize("path", ["/home/" + "ann/x", "/root" + "/x", "see /work" + "/main"])
def test_paths_of_a_machine(check, path):
    assert check(**{"a.c": HEAD + "/* %s */\n" % path}) == ["machine_paths"]


def test_xapi_places_are_no_paths_of_a_machine(check):
    assert check(**{"a.c": HEAD + "/* xapi://root@h/sr/x https://h/home */\n"}) == []


def test_names_are_unique_across_folders(check):
    assert check(**{"src/io/a.c": HEAD, "cli/a.c": HEAD}) == ["unique_names"]
    assert check(**{"src/io/a.c": HEAD, "cli/a.c": ""}) != []


def test_an_abstraction_has_its_page(check):
    text = (HEAD + "#ifndef VHDSTREAM_PIPE_H\n#define VHDSTREAM_PIPE_H\n"
            "struct pipe_ops {\n};\n#endif\n")
    assert check(**{"src/io/pipe.h": text, "docs/internals/sink.md": "x\n"}) == ["internals_pages"]
    assert check(**{"docs/internals/pipe.md": "x\n"}) == []


def test_what_is_built_is_left_out(check):
    assert check(**{"build/a.c": "bad", "build-x/b.c": "bad", ".git/c.c": "bad"}) == []


def test_exit_status_tells_of_findings(tmp_path, capsys):
    (tmp_path / "a.c").write_text("int x;\n")
    assert checkstyle.main([str(tmp_path), "--no-format"]) == 1
    assert "a.c:1: licence: no copyright line" in capsys.readouterr().out
    (tmp_path / "a.c").write_text(HEAD)
    assert checkstyle.main([str(tmp_path), "--no-format"]) == 0


def test_layout_is_clang_formats(tmp_path):
    (tmp_path / ".clang-format").write_text("BasedOnStyle: LLVM\n")
    (tmp_path / "a.c").write_text(HEAD + "int   x;\n")
    assert checkstyle.main([str(tmp_path)]) == 1
    (tmp_path / "a.c").write_text(HEAD + "int x;\n")
    assert checkstyle.main([str(tmp_path)]) == 0


def test_every_rule_has_its_reason():
    for check in checkstyle.RULES + checkstyle.TREE_RULES:
        assert check.__doc__
