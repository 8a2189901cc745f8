# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""A server that means harm: it costs bounded memory and time, and a plain failure."""

import pytest

from disk_rig import MIB

ENDLESS = 1 << 20       # repetitions: far more than anybody waits for
HEAD = "HTTP/1.1 200 OK\r\nConnection: close\r\n"
LINE = "X-More: " + "y" * 1000 + "\r\n"
TINY = "z" * 65536
STATUS = (1, 3, 75)


@pytest.fixture
def hostile(program, pool, disk, tmp_path):
    """hostile(ON, FAULT...) sends or fetches a disk; the failure. Nothing may be left of it."""
    def run(on, **fault):
        pool.sim.set_fault(on=on, times=-1, **fault)
        vdi = pool.make_disk("nfs", 20 * MIB, disk)
        pool.remember()
        places = (pool.vdi(vdi), tmp_path / "o.raw") if on == "export" else (disk, pool.sr("nfs"))
        result = program.bounded("copy", *places, *pool.login, "--timeout", "5",
                                 "--retries", "0", status=None)
        assert result.status in STATUS, result.err
        assert len(result.err) < 4000
        assert not (tmp_path / "o.raw").exists()
        pool.sim.clear_faults()
        pool.nothing_left()
        return result
    return run


LOGIN = {"method": "session.login_with_password"}


@pytest.mark.parametrize("on", ["rpc", "import", "export"])
def test_a_head_without_an_end(hostile, on):
    match = LOGIN if on == "rpc" else {}
    result = hostile(on, match=match, do="raw", first=HEAD, text=LINE, repeat=ENDLESS)
    assert "head" in result.err


@pytest.mark.parametrize("on", ["rpc", "import", "export"])
def test_a_header_line_without_an_end(hostile, on):
    match = LOGIN if on == "rpc" else {}
    hostile(on, match=match, do="raw", first=HEAD + "X: ", text=TINY, repeat=ENDLESS)


@pytest.mark.parametrize("on", ["rpc", "import", "export"])
def test_answers_before_the_answer_without_an_end(hostile, on):
    match = LOGIN if on == "rpc" else {}
    hostile(on, match=match, do="raw", text="HTTP/1.1 100 Continue\r\n\r\n", repeat=ENDLESS)


@pytest.mark.parametrize("text, repeat", [
    ("[", 4 * MIB), ('{"a":', MIB), ("[[],", 2 * MIB), ('"' + "x" * 65536, ENDLESS),
    ("[0," + 30000 * "0,", 200), (" " * 65536, ENDLESS), ('{"result":"\\u0000"},', 100000)],
    ids=["deep", "deep maps", "wide and deep", "text", "wide", "spaces", "zeros"])
def test_json_of_any_size_and_depth(hostile, text, repeat):
    """In one piece of text where it is small, since the server writes each of them."""
    while repeat > 4096 and len(text) < 65536:
        text, repeat = text * 2, repeat // 2
    hostile("rpc", match=LOGIN, do="raw", first=HEAD + "\r\n", text=text, repeat=repeat)


@pytest.mark.parametrize("length", ["99999999999999999999999", "9223372036854775807", "-1", "1e9",
                                    "5\r\nContent-Length: 7", "2"])
def test_lengths_that_are_wrong(hostile, length):
    hostile("rpc", match=LOGIN, do="raw",
            text=HEAD + "Content-Length: %s\r\n\r\n" % length + '{"jsonrpc":"2.0"}')


@pytest.mark.parametrize("size", ["ffffffffffffffff", "FFFFFFFFFFFFFFFFFFFF", "-5", "zz"])
def test_chunks_that_are_wrong(hostile, size):
    hostile("rpc", match=LOGIN, do="raw",
            text=HEAD + "Transfer-Encoding: chunked\r\n\r\n" + size + "\r\n{}")


def test_a_compressed_answer_that_was_not_asked_for(hostile):
    hostile("rpc", match=LOGIN, do="raw",
            text=HEAD + "Content-Encoding: gzip\r\n\r\n\x1f\x8b\x08")


@pytest.mark.parametrize("text", [TINY, "conectix" * 8192, "\0" * 65536],
                         ids=["text", "footers", "zeros"])
def test_an_export_without_an_end(hostile, text):
    hostile("export", do="raw", first=HEAD + "\r\n", text=text, repeat=ENDLESS, task="failure")


def test_an_export_that_goes_on_after_its_end(program, pool, disk, tmp_path):
    """The disk has no multiple of 2 MiB, so it comes raw, and its length is known."""
    vdi = pool.make_disk("luns", MIB + 512)
    pool.remember()
    pool.sim.set_fault(on="export", do="raw", first=HEAD + "\r\n", text=TINY, repeat=ENDLESS,
                       task="failure")
    program.bounded("copy", pool.vdi(vdi), tmp_path / "o.raw", *pool.login, "--retries", "0",
                    status=3)
    pool.nothing_left()


def test_an_answer_to_an_import_without_an_end(hostile):
    hostile("import", do="raw", first=HEAD + "\r\n", text=TINY, repeat=ENDLESS, task="failure")


def test_a_refusal_without_an_end(hostile):
    hostile("import", do="raw", first="HTTP/1.1 500 Internal Error\r\n\r\n", text=TINY,
            repeat=ENDLESS)


@pytest.mark.parametrize("where", ["file:///etc/passwd", "ftp://127.0.0.1/x", "//", "http://",
                                   "https://[::1", "gopher://127.0.0.1:70/1", "x" * 60000,
                                   "http://127.0.0.1:99999/", "http://a b/"], ids=range(9))
def test_redirects_to_what_is_no_host(hostile, where):
    result = hostile("import", do="redirect", location=where)
    assert "leads to no host" in result.err


def test_names_in_answers_are_no_commands(program, pool, tmp_path):
    """The label of a disk is text: it is in no path, and no terminal obeys it."""
    label = "../../escape\n\x1b[2J$(touch owned)`touch owned`"
    vdi = pool.make_disk("nfs", 2 * MIB, label=label)
    program("copy", pool.vdi(vdi), pool.sr("lvhd"), *pool.login, cwd=tmp_path)
    assert sorted(d["name_label"] for d in pool.disks.values()) == [label, label]
    info = program("info", pool.vdi(vdi), *pool.login, cwd=tmp_path).text
    assert "\x1b" not in info and not (tmp_path / "owned").exists()
