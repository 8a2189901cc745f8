# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""TLS: verified unless told otherwise; --cacert, --pin, --insecure."""

import re

import pytest

from disk_rig import MIB

WRONG = "sha256:" + 32 * "5A"


@pytest.fixture
def target(pool):
    return pool.sr("nfs", tls=True)


def pin(pool, host=None):
    return "sha256:" + pool.sim.fingerprint(host)


def refused(program, pool, disk, target, *args):
    result = program("copy", disk, target, *pool.login, *args, status=5)
    assert not pool.sim.rpc_calls(), "a call was made to an unverified server"
    return result


def test_self_signed_certificate_is_refused(program, pool, disk, target):
    result = refused(program, pool, disk, target)
    assert "certificate" in result.line


def test_the_pin_to_use_is_printed_and_works(program, pool, disk, target):
    line = refused(program, pool, disk, target).line
    printed = re.search(r"--pin (\S*sha256:[0-9a-fA-F:]{64,95})", line).group(1)
    program("copy", disk, target, *pool.login, "--pin", printed)
    assert len(pool.disks) == 1


def test_printed_pin_is_the_certificates(program, pool, disk, target):
    line = refused(program, pool, disk, target).line
    assert pool.sim.fingerprint() in line.replace(":", "").lower()


def test_cacert(program, pool, disk, target):
    program("copy", disk, target, *pool.login, "--cacert", pool.sim.ca_bundle)


def test_cacert_of_somebody_else(program, pool, own_pool, disk, target):
    other = own_pool()
    refused(program, pool, disk, target, "--cacert", other.sim.ca_bundle)


def test_cacert_that_is_not_there(program, pool, disk, target, tmp_path):
    result = program("copy", disk, target, *pool.login, "--cacert", tmp_path / "no.pem",
                     status=None)
    assert result.status in (2, 4, 5) and "no.pem" in result.line


def test_cacert_that_is_none(program, pool, disk, target, tmp_path):
    (tmp_path / "x.pem").write_text("no certificate\n")
    result = program("copy", disk, target, *pool.login, "--cacert", tmp_path / "x.pem",
                     status=None)
    assert result.status in (2, 3, 5) and "x.pem" in result.line


def test_insecure_works_and_says_so_loudly(program, pool, disk, target):
    result = program("copy", disk, target, *pool.login, "--insecure")
    assert result.line.startswith("--insecure: the destination's certificate is not verified; ")


def test_insecure_says_so_even_if_quiet(program, pool, disk, target):
    assert program("copy", disk, target, *pool.login, "--insecure", "-q").err


def test_insecure_is_silent_where_there_is_no_tls(program, pool, disk):
    assert program("copy", disk, pool.sr("nfs"), *pool.login, "--insecure").err == ""


@pytest.mark.parametrize("style", [str.lower, str.upper,
                                   lambda s: re.sub("(..)(?=.)", r"\1:", s).upper()],
                         ids=["small", "capital", "colons"])
def test_pin_in_every_way_it_is_written(program, pool, disk, target, style):
    program("copy", disk, target, *pool.login, "--pin", "sha256:" + style(pool.sim.fingerprint()))


def test_wrong_pin(program, pool, disk, target):
    result = refused(program, pool, disk, target, "--pin", WRONG)
    assert pool.sim.fingerprint() in result.line.replace(":", "").lower()


def test_wrong_pin_beats_insecure(program, pool, disk, target):
    refused(program, pool, disk, target, "--pin", WRONG, "--insecure")


def test_wrong_pin_beats_a_good_chain(program, pool, disk, target):
    refused(program, pool, disk, target, "--pin", WRONG, "--cacert", pool.sim.ca_bundle)


def test_pin_of_the_host(program, pool, disk, target):
    program("copy", disk, target, *pool.login, "--pin", "127.0.0.1=" + pin(pool))


def test_pin_of_another_host_does_not_count(program, pool, disk, target):
    refused(program, pool, disk, target, "--pin", "127.0.0.2=" + pin(pool))


def test_one_of_several_pins(program, pool, disk, target):
    program("copy", disk, target, *pool.login, "--pin", WRONG, "--pin", pin(pool))


@pytest.fixture
def old_pool(own_pool):
    """One that has no list of its members' certificates."""
    return own_pool({"certificates": "none"})


def test_data_goes_to_another_host_with_its_own_certificate(program, old_pool, disk):
    """The SR is on host two: its certificate is checked, too."""
    pool = old_pool
    place = pool.sr("local", tls=True)
    result = program("copy", disk, place, *pool.login, "--pin", "127.0.0.1=" + pin(pool, "one"),
                     status=5)
    assert "127.0.0.2" in result.line
    assert pool.sim.fingerprint("two") in result.line.replace(":", "").lower()
    pool.nothing_left()
    program("copy", disk, place, *pool.login, "--pin", "127.0.0.1=" + pin(pool, "one"),
            "--pin", "127.0.0.2=" + pin(pool, "two"))


def test_redirect_to_a_host_with_its_own_certificate(program, old_pool, disk):
    pool = old_pool
    pool.sim.set_fault(on="import", do="redirect", to="two", match={"host": "one"}, times=-1)
    place = pool.sr("nfs", tls=True)
    one = ["--pin", "127.0.0.1=" + pin(pool, "one")]
    result = program("copy", disk, place, *pool.login, *one, status=5)
    printed = re.search(r"--pin (\S*sha256:[0-9a-fA-F:]{64,95})", result.line).group(1)
    pool.nothing_left()
    program("copy", disk, place, *pool.login, *one, "--pin", printed)
    assert [e["host"] for e in pool.transfers()][-1] == "two"


def check_vouched(program, pool, disk, *pins):
    program("copy", disk, pool.sr("local", tls=True), *pool.login, *pins)
    pool.sim.set_fault(on="import", do="redirect", to="two", match={"host": "one"}, times=-1)
    program("copy", disk, pool.sr("nfs", tls=True), *pool.login, *pins)
    assert [e["host"] for e in pool.transfers()] == ["two", "one", "two"]


@pytest.mark.parametrize("host", ["", "127.0.0.1="])
def test_the_pool_vouches_for_its_members(program, pool, disk, host):
    """One pin is enough: the pool's own list has the certificate of host two."""
    check_vouched(program, pool, disk, "--pin", host + pin(pool, "one"))


def test_an_older_pool_vouches_in_its_own_words(program, own_pool, disk):
    pool = own_pool({"certificates": "old"})
    check_vouched(program, pool, disk, "--pin", pin(pool, "one"))


def test_a_member_with_another_certificate_than_the_pool_lists(program, pool, disk):
    pool.sim.list_certificate(host="two", sha256="5a" * 32)
    result = program("copy", disk, pool.sr("local", tls=True), *pool.login, "--pin",
                     "127.0.0.1=" + pin(pool, "one"), status=5)
    assert "--pin 127.0.0.2=sha256:" + pool.sim.fingerprint("two") in result.line
    assert pool.transfers() == []


def test_a_pin_of_the_members_own_is_above_the_pools_word(program, pool, disk):
    program("copy", disk, pool.sr("local", tls=True), *pool.login, "--pin", pin(pool, "one"),
            "--pin", "127.0.0.2=" + WRONG, status=5)
    assert pool.transfers() == []


def test_a_ca_is_enough_where_the_pools_list_is_old(program, pool, disk):
    pool.sim.list_certificate(host="two", sha256="5a" * 32)
    program("copy", disk, pool.sr("local", tls=True), *pool.login, "--cacert",
            pool.sim.ca_bundle)


def test_pins_of_one_side_only(program, pool, disk):
    uuid = pool.make_disk("nfs", 20 * MIB, disk)
    source = pool.vdi(uuid, tls=True)
    target = pool.sr("lvhd", tls=True)
    result = program("copy", source, target, *pool.login, "--src-pin", pin(pool), status=5)
    assert "certificate" in result.line
    program("copy", source, target, *pool.login, "--src-pin", pin(pool), "--dst-pin", pin(pool))


def test_all_traffic_of_a_tls_place_is_tls(program, pool, disk, target, tmp_path):
    uuid = program("copy", disk, target, *pool.login, "--pin", pin(pool)).text.strip()
    program("copy", pool.vdi(uuid, tls=True), tmp_path / "o.raw", *pool.login, "--pin", pin(pool))
    pool.sim.wait_quiet()
    assert all(e["tls"] for e in pool.sim.log())
    assert (tmp_path / "o.raw").read_bytes() == disk.read_bytes()


def test_nothing_of_the_login_is_sent_before_the_verification(program, pool, disk, target):
    refused(program, pool, disk, target)
    assert [e for e in pool.sim.log() if e.get("method")] == []
