# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Passwords: where they come from, and where they are never seen.

That no run shows one on stdout or stderr is held of every run by program_rig.
"""

import http.server
import json
import os
import signal
import threading

import pytest

from disk_rig import MIB, raw_file
from program_rig import PASSWORD, end, wait_until
from terminal_rig import Terminal


@pytest.fixture
def disk(tmp_path):
    return raw_file(tmp_path / "a.raw", MIB, [(0, b"content")])


@pytest.fixture
def secret(tmp_path):
    """secret(TEXT) is a file of it."""
    def write(text):
        (tmp_path / "secret").write_text(text, encoding="utf-8")
        return tmp_path / "secret"
    return write


def users(pool):
    return [call["params"][0] for call in pool.sim.rpc_calls("session.login_with_password")]


@pytest.mark.parametrize("text", ["%s", "%s\n", "%s\r\n", "root\n%s\n", "root\n%s",
                                  "root\r\n%s\r\n"])
def test_password_file(program, pool, disk, secret, text):
    program("copy", disk, pool.sr("nfs"), "--password-file", secret(text % PASSWORD))
    assert users(pool) == ["root"]


def test_two_lines_name_the_user(program, pool, disk, secret, tmp_path):
    """guest may look, not write."""
    vdi = pool.make_disk("nfs", 2 * MIB)
    program("info", pool.vdi(vdi), "--password-file", secret("guest\nnur-schauen\n"), status=5)
    assert users(pool) == ["guest"]


def test_user_of_the_command_line_beats_the_file(program, pool, disk, secret):
    program("copy", disk, pool.sr("nfs"), "--user", "root", "--password-file",
            secret("guest\n%s\n" % PASSWORD))
    assert users(pool) == ["root"]


def test_user_of_the_place_beats_the_file(program, pool, disk, secret):
    program("copy", disk, pool.sr("nfs", user="root@"), "--password-file",
            secret("guest\n%s\n" % PASSWORD))
    assert users(pool) == ["root"]


def test_user_of_the_environment(program, pool, disk):
    env = {"XENSERVER_USER": "guest", "XENSERVER_PASSWORD": PASSWORD}
    program("copy", disk, pool.sr("nfs"), env=env, status=5)
    assert users(pool) == ["guest"]


def test_password_of_the_environment(program, pool, disk):
    program("copy", disk, pool.sr("nfs"), env={"XENSERVER_PASSWORD": PASSWORD})


def test_password_file_beats_the_environment(program, pool, disk, secret):
    program("copy", disk, pool.sr("nfs"), "--password-file", secret(PASSWORD),
            env={"XENSERVER_PASSWORD": "wrong"})


def test_password_fd(program, pool, disk):
    read, write = os.pipe()
    os.write(write, PASSWORD.encode() + b"\n")
    os.close(write)
    program("copy", disk, pool.sr("nfs"), "--password-fd", read, pass_fds=[read])
    os.close(read)


def test_one_password_fd_for_both_sides(program, pool, disk):
    vdi = pool.make_disk("nfs", 2 * MIB, disk)
    read, write = os.pipe()
    os.write(write, PASSWORD.encode() + b"\n")
    os.close(write)
    program("copy", pool.vdi(vdi), pool.sr("lvhd"), "--password-fd", read, pass_fds=[read])
    os.close(read)
    assert len(pool.disks) == 2


def test_each_side_has_its_own(program, pool, own_pool, disk, tmp_path):
    other = own_pool({"users": [{"name": "admin", "password": "other-73"}], "tls": False})
    (tmp_path / "src").write_text("admin\nother-73\n")
    (tmp_path / "dst").write_text(PASSWORD)
    vdi = other.make_disk("nfs", 2 * MIB, disk)
    program("copy", other.vdi(vdi), pool.sr("nfs"), "--src-password-file", tmp_path / "src",
            "--dst-password-file", tmp_path / "dst")
    assert users(pool) == ["root"] and users(other) == ["admin"]


def test_password_fd_that_is_not_open(program, pool, disk):
    result = program("copy", disk, pool.sr("nfs"), "--password-fd", "77", status=1)
    assert result.line == "--password-fd: Bad file descriptor"


def test_password_file_that_is_not_there(program, pool, disk, tmp_path):
    result = program("copy", disk, pool.sr("nfs"), "--password-file", tmp_path / "no", status=4)
    assert result.line == "%s/no: No such file or directory" % tmp_path


def test_empty_password_file(program, pool, disk, secret):
    result = program("copy", disk, pool.sr("nfs"), "--password-file", secret("\n"), status=2)
    assert result.line.endswith("secret: no password in it")


def test_endless_password_file(program, pool, disk):
    program("copy", disk, pool.sr("nfs"), "--password-file", "/dev/zero", status=2)


def test_no_password_anywhere(program, pool, disk):
    result = program("copy", disk, pool.sr("nfs"), status=5, start_new_session=True)
    assert result.line == ("%s: no password; give --password-file, --password-fd or "
                           "XENSERVER_PASSWORD" % pool.sr("nfs"))
    assert pool.sim.log() == []


def test_wrong_password(program, pool, disk, secret):
    result = program("copy", disk, pool.sr("nfs"), "--password-file", secret("wrong-73"), status=5)
    assert "SESSION_AUTHENTICATION_FAILED" in result.line and "wrong-73" not in result.err
    pool.nothing_left()


REPEATS = [
    lambda body: (400, body),
    lambda body: (500, b"<p>" + b"x" * (500 - body.index(b"root")) + body),
    lambda body: (200, json.dumps({"jsonrpc": "2.0", "id": 1, "error": {
        "code": 1, "message": "INTERNAL_ERROR", "data": ["why", body.decode()]}}).encode()),
    lambda body: (200, json.dumps({"error": [body.decode()[:90]]}).encode()),
    lambda body: (200, body[body.index(b"root") + 7:]),
]


@pytest.mark.parametrize("repeat", REPEATS)
@pytest.mark.parametrize("word", ["Geheim-73", 'Ge"heim\\\u00fc',
                                  "\u043f\u0430\u0440\u043e\u043b\u044c"])
def test_a_server_that_repeats_the_login(program, disk, secret, repeat, word):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            status, body = repeat(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        result = program("copy", disk, "xapi+http://127.0.0.1:%d/sr/x" % server.server_port,
                         "--retries", "0", "--password-file", secret(word), status=None)
        server.shutdown()
    assert result.status in (1, 3, 75) and "session.login_with_password" in result.line
    assert not [i for i in range(len(word) - 3) if word[i:i + 4] in result.err]


def test_password_with_quotes_and_unicode(program, own_pool, disk, secret):
    word = 'a"b\\c\u00fc\u4e2d\'%20'
    pool = own_pool({"users": [{"name": "root", "password": word}], "tls": False})
    program("copy", disk, pool.sr("nfs"), "--password-file", secret(word))


def test_password_is_no_option(program, pool, disk):
    """--password would put it into the list of processes."""
    result = program("copy", disk, pool.sr("nfs"), "--password", "x", status=2)
    assert result.lines[0] == "--password: no such option"


# -- where it must not be seen ---------------------------------------------------


def seen_of(process):
    """What others may see of a process: its arguments and its environment."""
    with open("/proc/%d/cmdline" % process.pid, "rb") as file:
        seen = file.read()
    try:
        with open("/proc/%d/environ" % process.pid, "rb") as file:
            return seen + file.read()
    except PermissionError:
        return seen


def test_environment_is_overwritten(program, pool, disk):
    pool.sim.set_fault(on="import", do="stall", at=0)
    process = program.start("copy", disk, pool.sr("nfs"),
                            env={"XENSERVER_PASSWORD": PASSWORD, "OTHER": "stays"})
    pool.sim.wait_transfer()
    seen = seen_of(process)
    process.send_signal(signal.SIGINT)
    end(process, 130)
    assert PASSWORD.encode() not in seen
    assert b"OTHER=stays" in seen or os.getuid() != 0


def test_environment_is_overwritten_before_anybody_is_asked(program, pool, disk):
    """One side's password is in a file, and is waited for; the other's is in the environment."""
    if os.getuid():
        pytest.skip("only root may look")
    read, write = os.pipe()
    process = program.start("copy", disk, pool.sr("nfs"), "--password-fd", read, pass_fds=[read],
                            env={"XENSERVER_PASSWORD": "unused-73", "OTHER": "stays"})
    os.close(read)
    wait_until(lambda: b"vhdstream" in seen_of(process) and b"unused-73" not in seen_of(process),
               "the environment to be overwritten")
    assert process.poll() is None and b"OTHER=stays" in seen_of(process)
    os.write(write, PASSWORD.encode())
    os.close(write)
    end(process, 0)


@pytest.mark.parametrize("name", ["XENSERVER_USER", "XENSERVER_PASSWORD"])
def test_more_in_the_environment_than_a_password_can_be(program, pool, disk, name):
    result = program("copy", disk, pool.sr("nfs"), env={name: 2000 * "x"}, status=2)
    assert result.line == name + ": more than 1023 bytes are no user and no password"


def test_no_core_file(program, pool, disk):
    """Where one would be written, it would hold the password."""
    pool.sim.set_fault(on="import", do="stall", at=0)
    process = program.start("copy", disk, pool.sr("nfs"), *pool.login)
    pool.sim.wait_transfer()
    with open("/proc/%d/limits" % process.pid, encoding="ascii") as file:
        limit, = [line.split()[4:6] for line in file if line.startswith("Max core file size")]
    owner = os.stat("/proc/%d/mem" % process.pid).st_uid
    process.send_signal(signal.SIGINT)
    end(process, 130)
    assert limit == ["0", "0"] and owner == 0


def test_session_is_in_no_argument(program, pool, disk):
    pool.sim.set_fault(on="import", do="stall", at=0)
    process = program.start("copy", disk, pool.sr("nfs"), *pool.login)
    pool.sim.wait_transfer()
    seen = seen_of(process)
    process.send_signal(signal.SIGINT)
    end(process, 130)
    assert b"OpaqueRef" not in seen


def test_verbose_shows_no_secret(program, pool, disk):
    program("copy", disk, pool.sr("nfs"), "-v", "--progress", *pool.login, bar=True)


# -- the terminal ----------------------------------------------------------------


def test_password_is_asked_for_on_the_terminal(program, pool, disk):
    place = pool.sr("nfs")
    terminal = Terminal(program, "copy", disk, place)
    terminal.read_until(b"Password for %s: " % place.encode())
    assert not terminal.echoes()
    terminal.type(PASSWORD.encode() + b"\n")
    assert terminal.end() == 0
    assert PASSWORD.encode() not in terminal.seen
    assert list(pool.disks)[0].encode() in terminal.seen


def test_interrupt_while_asked_gives_the_terminal_back(program, pool, disk):
    terminal = Terminal(program, "copy", disk, pool.sr("nfs"))
    terminal.read_until(b"Password for ")
    keeper = os.open(os.ttyname(terminal.fd), os.O_RDONLY | os.O_NOCTTY)
    terminal.type(b"half\x03")
    wait_until(terminal.echoes, "the terminal to show again what is typed")
    os.close(keeper)
    assert terminal.end() == 130 and pool.sim.log() == []


def test_no_password_typed(program, pool, disk):
    terminal = Terminal(program, "copy", disk, pool.sr("nfs"))
    terminal.read_until(b"Password for ")
    terminal.type(b"\n")
    assert terminal.end() == 2
    assert b"no password in it" in terminal.seen


def test_one_answer_for_each_pool(program, pool, disk):
    vdi = pool.make_disk("nfs", 2 * MIB, disk)
    terminal = Terminal(program, "copy", pool.vdi(vdi), pool.sr("lvhd"))
    terminal.read_until(b"Password for %s: " % pool.vdi(vdi).encode())
    terminal.type(PASSWORD.encode() + b"\n")
    terminal.read_until(b"Password for %s: " % pool.sr("lvhd").encode())
    terminal.type(PASSWORD.encode() + b"\n")
    assert terminal.end() == 0
