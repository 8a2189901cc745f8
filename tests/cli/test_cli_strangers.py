# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Trust on first use: asked on a terminal only, and kept in the user's list."""

import os
import signal

import pytest

from disk_rig import MIB, raw_file
from program_rig import PASSWORD
from terminal_rig import Terminal

OTHER = "sha256:" + 32 * "5a"
QUESTION = b"Trust it from now on? (yes/no) "


@pytest.fixture
def disk(tmp_path):
    return raw_file(tmp_path / "a.raw", MIB, [(0, b"content")])


@pytest.fixture
def target(pool):
    return pool.sr("nfs", tls=True)


class Config:
    """A folder of the user's own for what the program remembers."""

    def __init__(self, folder):
        self.env = {"XDG_CONFIG_HOME": str(folder / "config")}
        self.folder = folder / "config" / "vhdstream"
        self.path = self.folder / "known_hosts"

    def write(self, text, mode=0o600):
        self.folder.mkdir(parents=True)
        self.path.write_text(text)
        self.path.chmod(mode)


@pytest.fixture
def config(tmp_path):
    return Config(tmp_path)


@pytest.fixture
def terminal(program, pool, disk, target, config):
    """The program, asking."""
    started = Terminal(program, "copy", disk, target, *pool.login, env=config.env)
    started.read_until(QUESTION)
    return started


def known(pool, host="127.0.0.1"):
    return "%s sha256:%s\n" % (host, pool.sim.fingerprint())


def test_yes_is_kept_and_enough_the_next_time(terminal, program, pool, disk, target, config):
    assert pool.sim.fingerprint().encode() in terminal.seen
    assert terminal.echoes() and pool.sim.rpc_calls() == []
    terminal.type(b"yes\n")
    assert terminal.end() == 0
    assert config.path.read_text() == known(pool)
    program("copy", disk, target, *pool.login, env=config.env)
    assert len(pool.disks) == 2


def test_the_list_is_its_owners(terminal, config):
    terminal.type(b"yes\n")
    assert terminal.end() == 0
    assert config.path.stat().st_mode & 0o777 == 0o600
    assert config.folder.stat().st_mode & 0o777 == 0o700
    assert os.listdir(config.folder) == ["known_hosts"]


@pytest.mark.parametrize("answer", [b"no\n", b"\n", b"y\n", b"yesterday\n", b"\x04"])
def test_anything_but_yes_is_a_no(terminal, pool, config, answer):
    terminal.type(answer)
    assert terminal.end() == 5
    assert b"--pin 127.0.0.1=sha256:" in terminal.seen
    assert not config.path.exists() and pool.sim.rpc_calls() == []
    assert terminal.seen.count(QUESTION) == 1


def test_interrupt_at_the_question(terminal, pool, config):
    terminal.type(b"\x03")
    assert terminal.end() == 130
    assert not config.path.exists() and pool.sim.rpc_calls() == []


def test_hang_up_at_the_question(terminal, pool):
    os.kill(terminal.pid, signal.SIGTERM)
    assert terminal.end() == 143 and pool.sim.rpc_calls() == []


def test_without_a_terminal_nobody_is_asked(program, pool, disk, target, config):
    result = program("copy", disk, target, *pool.login, status=5, env=config.env)
    assert "--pin 127.0.0.1=sha256:" + pool.sim.fingerprint() in result.line
    assert not config.path.exists()


def test_the_password_is_asked_for_before(program, pool, disk, target, config):
    asking = Terminal(program, "copy", disk, target, env=config.env)
    asking.read_until(b"Password for ")
    asking.type(PASSWORD.encode() + b"\n")
    asking.read_until(QUESTION)
    asking.type(b"yes\n")
    assert asking.end() == 0


def test_info_asks_too(program, pool, config):
    vdi = pool.make_disk("nfs", 2 * MIB)
    asking = Terminal(program, "info", pool.vdi(vdi, tls=True), *pool.login, env=config.env)
    asking.read_until(QUESTION)
    asking.type(b"yes\n")
    assert asking.end() == 0


# -- a changed certificate ---------------------------------------------------------


def test_a_changed_certificate_is_refused_loudly(program, pool, disk, target, config):
    config.write("# mine\n127.0.0.1 %s\n" % OTHER)
    result = program("copy", disk, target, *pool.login, status=5, env=config.env)
    assert result.lines[0].startswith("WARNING: 127.0.0.1 shows another certificate than the "
                                      "one that was trusted in line 2 of %s." % config.path)
    assert "has CHANGED" in result.lines[1]
    assert "--pin 127.0.0.1=sha256:" + pool.sim.fingerprint() in result.lines[1]
    assert pool.sim.rpc_calls() == []
    assert config.path.read_text() == "# mine\n127.0.0.1 %s\n" % OTHER


def test_a_changed_certificate_is_not_asked_about(program, pool, disk, target, config):
    config.write("127.0.0.1 %s\n" % OTHER)
    asking = Terminal(program, "copy", disk, target, *pool.login, env=config.env)
    assert asking.end() == 5
    assert QUESTION not in asking.seen and b"WARNING" in asking.seen


@pytest.mark.parametrize("how", ["pin", "cacert", "insecure"])
def test_a_word_on_the_command_line_is_above_the_list(program, pool, disk, target, config, how):
    config.write("127.0.0.1 %s\n" % OTHER)
    word = {"pin": ["--pin", "sha256:" + pool.sim.fingerprint()],
            "cacert": ["--cacert", pool.sim.ca_bundle], "insecure": ["--insecure"]}[how]
    program("copy", disk, target, *pool.login, *word, env=config.env)


def test_a_word_for_one_side_leaves_the_other_to_the_list(program, pool, disk, config):
    config.write(known(pool))
    vdi = pool.make_disk("nfs", 2 * MIB, disk)
    program("copy", pool.vdi(vdi, tls=True), pool.sr("lvhd", tls=True), *pool.login,
            "--src-pin", OTHER, status=5, env=config.env)
    program("copy", pool.vdi(vdi, tls=True), pool.sr("lvhd", tls=True), *pool.login,
            "--src-insecure", env=config.env)


# -- the list ------------------------------------------------------------------------


@pytest.mark.parametrize("text", [
    "127.0.0.1 %s\n", "\n# 127.0.0.1\n  127.0.0.1\t%s  # of a test\n", "127.0.0.1 %s",
    "other sha256:00\n127.0.0.1 %s\r\n", "127.0.0.1 " + OTHER + "\n127.0.0.1 %s\n"])
def test_lines_as_people_write_them(program, pool, disk, target, config, text):
    config.write(text % ("sha256:" + pool.sim.fingerprint().upper()))
    program("copy", disk, target, *pool.login, env=config.env)


def test_a_list_that_others_may_write_is_not_used(program, pool, disk, target, config):
    config.write(known(pool), mode=0o666)
    result = program("copy", disk, target, *pool.login, status=5, env=config.env)
    assert result.lines[0] == ("%s: others may write to it (chmod 600); it is not used"
                               % config.path)


@pytest.mark.parametrize("text", ["127.0.0.1\n", "\0\xff\n", "x" * 100000, "127.0.0.1 sha256:1\n"])
def test_a_broken_list_trusts_nobody(program, pool, disk, target, config, text):
    config.write(text)
    program("copy", disk, target, *pool.login, status=5, env=config.env)


def test_other_lines_stay(program, pool, disk, target, config):
    config.write("# mine\nother %s" % OTHER)
    asking = Terminal(program, "copy", disk, target, *pool.login, env=config.env)
    asking.read_until(QUESTION)
    asking.type(b"yes\n")
    assert asking.end() == 0
    assert config.path.read_text() == "# mine\nother %s\n%s" % (OTHER, known(pool))


def test_a_list_that_cannot_be_written(program, pool, disk, target, tmp_path):
    (tmp_path / "file").write_text("no folder")
    asking = Terminal(program, "copy", disk, target, *pool.login,
                      env={"XDG_CONFIG_HOME": str(tmp_path / "file")})
    asking.read_until(QUESTION)
    asking.type(b"yes\n")
    assert asking.end() == 0
    assert b"trusted for this run only" in asking.seen


def test_the_list_is_in_the_home_where_no_other_place_is_named(program, pool, disk, target,
                                                              tmp_path):
    asking = Terminal(program, "copy", disk, target, *pool.login,
                      env={"XDG_CONFIG_HOME": "", "HOME": str(tmp_path)})
    asking.read_until(QUESTION)
    asking.type(b"yes\n")
    assert asking.end() == 0
    assert (tmp_path / ".config" / "vhdstream" / "known_hosts").read_text() == known(pool)
