# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Which host of the pool: the one that has the SR plugged, the master for calls, redirects."""

import pytest

from disk_rig import MIB


def hosts(pool, kind):
    return [e["host"] for e in pool.transfers(kind)]


def test_host_with_the_sr_is_chosen_beforehand(program, pool, disk):
    program("copy", disk, pool.sr("local"), *pool.login)
    assert hosts(pool, "import") == ["two"]


def test_host_with_the_sr_is_chosen_for_an_export(program, pool, disk, tmp_path):
    uuid = pool.make_disk("local", 20 * MIB, disk)
    program("copy", pool.vdi(uuid), tmp_path / "o.raw", *pool.login)
    assert hosts(pool, "export") == ["two"]


def test_master_is_preferred(program, pool, disk):
    program("copy", disk, pool.sr("nfs"), *pool.login)
    assert hosts(pool, "import") == ["one"]


def test_slave_sends_us_to_the_master(program, pool, disk):
    program("copy", disk, pool.sr("nfs", host="two"), *pool.login)
    logins = [(e["host"], e["rpc"]["method"]) for e in pool.sim.log()
              if e.get("rpc", {}).get("method") == "session.login_with_password"]
    assert [host for host, _ in logins] == ["two", "one"]
    assert len(pool.disks) == 1


def test_slave_names_the_master_by_what_is_in_the_password_too(program, own_pool, disk, tmp_path):
    """An answer to a login is not told then, but followed."""
    pool = own_pool({"users": [{"name": "root", "password": "a-127"}], "tls": False})
    (tmp_path / "word").write_text("a-127")
    program("copy", disk, pool.sr("nfs", host="two"), "--password-file", tmp_path / "word")
    assert len(pool.disks) == 1


def test_master_that_moves_in_the_middle(program, own_pool, disk):
    """HOST_IS_SLAVE to a call of a session that exists."""
    pool = own_pool({"tls": False})
    pool.sim.set_fault(on="rpc", match={"method": "SR.get_by_name_label", "host": "one"},
                       do="error", error=["HOST_IS_SLAVE", pool.sim.authority("http", "two")])
    pool.sim.set_fault(on="rpc", match={"method": "SR.get_by_name_label", "host": "two"},
                       do="error", error=["HOST_IS_SLAVE", pool.sim.authority("http", "one")])
    program("copy", disk, pool.sr("nfs"), *pool.login)
    assert len(pool.disks) == 1


def test_hosts_that_call_each_other_master(program, pool, disk):
    for host, other in (("one", "two"), ("two", "one")):
        pool.sim.set_fault(on="rpc", match={"host": host}, do="error", times=-1,
                           error=["HOST_IS_SLAVE", pool.sim.authority("http", other)])
    result = program("copy", disk, pool.sr("nfs"), *pool.login, status=75)
    assert len(result.lines) == 1


def test_redirect_is_followed_all_the_same(program, pool, disk):
    """The plugging changed after we looked; the stream is untouched by then."""
    pool.sim.set_fault(on="import", do="redirect", location=pool.sim.url("http", "two")
                       + "/import_raw_vdi", match={"host": "one"})
    program("copy", disk, pool.sr("nfs"), *pool.login)
    assert hosts(pool, "import") == ["one", "two"]
    assert [e["body_in"] for e in pool.transfers()][0] == 0


def test_redirect_of_a_pipe(program, pool, disk):
    """Nothing of a stream that cannot be read again is lost to the redirect."""
    pool.sim.set_fault(on="import", do="redirect", location=pool.sim.url("http", "two") + "/",
                       match={"host": "one"})
    uuid = program("copy", "-", pool.sr("nfs"), "--from=raw", "--size=%d" % (20 * MIB),
                   *pool.login, stdin=disk.read_bytes()).text.strip()
    with open(pool.raw_path(uuid), "rb") as file:
        assert file.read() == disk.read_bytes()


def test_redirect_of_an_export(program, pool, disk, tmp_path):
    uuid = pool.make_disk("nfs", 20 * MIB, disk)
    pool.sim.set_fault(on="export", do="redirect", location=pool.sim.url("http", "two") + "/",
                       match={"host": "one"})
    program("copy", pool.vdi(uuid), tmp_path / "o.raw", *pool.login)
    assert hosts(pool, "export") == ["one", "two"]
    assert (tmp_path / "o.raw").read_bytes() == disk.read_bytes()


def test_redirect_by_the_real_rule(program, own_pool, disk):
    """The records say plugged, the server says 302."""
    pool = own_pool({"srs": [{"name": "nfs", "type": "nfs", "hosts": ["one", "two"]}]})
    pool.sim.set_fault(on="import", do="redirect", to="two", match={"host": "one"})
    login = pool.login + ["--cacert", pool.sim.ca_bundle]
    program("copy", disk, pool.sr("nfs", tls=True), *login)
    assert hosts(pool, "import") == ["one", "two"]


@pytest.mark.parametrize("kind", ["import", "export"])
def test_redirects_in_a_circle_end(program, pool, disk, tmp_path, kind):
    uuid = pool.make_disk("nfs", 20 * MIB, disk)
    pool.remember()
    for host, other in (("one", "two"), ("two", "one")):
        pool.sim.set_fault(on=kind, do="redirect", match={"host": host}, times=-1,
                           location=pool.sim.url("http", other) + "/x")
    places = (disk, pool.sr("nfs")) if kind == "import" else (pool.vdi(uuid), tmp_path / "o.raw")
    result = program("copy", *places, *pool.login, status=75)
    assert len(pool.transfers(kind)) < 12 and "host" in result.line
    pool.nothing_left()


@pytest.mark.parametrize("location", ["https://127.0.0.9:1/x", "http://127.0.0.9:1/x"])
def test_redirect_to_a_dead_host(program, pool, disk, location):
    pool.sim.set_fault(on="import", do="redirect", location=location)
    result = program("copy", disk, pool.sr("nfs"), *pool.login, status=75)
    assert "127.0.0.9" in result.line
    pool.nothing_left()


@pytest.mark.parametrize("location", ["", "ftp://x/", "https://", "https://a b/",
                                      "https://root:pw@127.0.0.1/", "file:///etc/passwd"])
def test_redirect_to_nowhere(program, pool, disk, location):
    pool.sim.set_fault(on="import", do="redirect", location=location, times=9)
    result = program("copy", disk, pool.sr("nfs"), *pool.login, status=1)
    assert "302" in result.line and "pw" not in result.line
    pool.nothing_left()


def test_redirect_never_goes_from_https_to_http(program, pool, disk):
    """The session would be read on the way."""
    pool.sim.set_fault(on="import", do="redirect", location=pool.sim.url("http", "two") + "/x")
    result = program("copy", disk, pool.sr("nfs", tls=True), *pool.login, "--cacert",
                     pool.sim.ca_bundle, status=5)
    assert "https" in result.line and "http" in result.line
    assert all(e["tls"] for e in pool.transfers())
    pool.nothing_left()


def test_sr_unplugged_after_we_looked(program, own_pool, disk):
    """No host sees it any more: 400 and then 500, and the task says why."""
    pool = own_pool({"srs": [{"name": "nfs", "type": "nfs"}], "tls": False, "head_delay": 0})
    pool.sim.set_fault(on="import", do="raw", task="failure", error=["NO_HOSTS_AVAILABLE"],
                       text="HTTP/1.1 400 Bad Request\r\n\r\nHTTP/1.1 500 Internal Error\r\n\r\n")
    result = program("copy", disk, pool.sr("nfs"), *pool.login, status=75)
    assert "NO_HOSTS_AVAILABLE" in result.line
    pool.nothing_left()


def test_host_that_is_down(program, own_pool, disk):
    pool = own_pool({"tls": False})
    pool.sim.host_down(host="two")
    result = program("copy", disk, pool.sr("local"), *pool.login, status=75)
    assert "127.0.0.2" in result.line or "live" in result.line or "down" in result.line
    assert set(pool.sim.leftovers()) <= {"sessions"} and not pool.disks


def test_pool_that_is_not_there(program, pool, disk):
    result = program("copy", disk, "xapi+http://127.0.0.9:1/sr/default", *pool.login, status=75)
    assert "127.0.0.9" in result.line


def test_name_that_does_not_resolve(program, pool, disk):
    result = program("copy", disk, "xapi+http://no-such-host.invalid/sr/default", *pool.login,
                     status=None)
    assert result.status in (4, 75) and "no-such-host.invalid" in result.line


def test_something_else_listens_there(program, pool, disk):
    pool.sim.set_fault(on="connect", do="raw", text="SSH-2.0-OpenSSH_9.2\r\n", times=-1)
    result = program("copy", disk, pool.sr("nfs"), *pool.login, status=None)
    assert result.status in (1, 3, 75) and len(result.lines) == 1


def test_tls_where_cleartext_is_spoken(program, pool, disk):
    place = pool.sr("nfs").replace("xapi+http://", "xapi://")
    result = program("copy", disk, place, *pool.login, "--timeout=2", status=None)
    assert result.status in (5, 75) and len(result.lines) == 1


def test_cleartext_where_tls_is_spoken(program, pool, disk):
    place = pool.sr("nfs", tls=True).replace("xapi://", "xapi+http://")
    result = program("copy", disk, place, *pool.login, status=75)
    assert len(result.lines) == 1
