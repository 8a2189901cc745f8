# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""clean: what killed runs left goes, and nothing else."""

import re
import signal
import time

import pytest

from disk_rig import MIB
from peer.plain_client import PlainClient
from pool_rig import GUEST_PASSWORD
from program_rig import PASSWORD, end, killed_by, wait_until

SIZE = 20 * MIB
DAY = 86400
RUN = "0f5a4d1e-9c3b-4e57-8d2a-6b1c2d3e4f50"
MAKING = "1f5a4d1e-9c3b-4e57-8d2a-6b1c2d3e4f51"
STUCK = ["SR_BACKEND_FAILURE_80", "", "Failed to mark VDI hidden", ""]
IN_USE = ["VDI_IN_USE", "OpaqueRef:x", "destroy"]


# -- what is left -----------------------------------------------------------


def kill(pool, process):
    process.kill()
    process.communicate(timeout=30)
    assert process.returncode == killed_by("KILL")
    pool.sim.wait_quiet()


def killed_import(program, pool, disk, *more):
    """The uuid of the disk that a killed import left."""
    before = set(pool.disks)
    pool.sim.set_fault(on="import", do="stall", at=3 * MIB)
    process = program.start("copy", disk, pool.sr("nfs"), "--name-label", "ubuntu", *pool.login,
                            *more)
    pool.sim.wait_transfer(moved=2 * MIB)
    kill(pool, process)
    pool.sim.clear_faults()
    uuid, = set(pool.disks) - before
    return uuid


def stamp(pool, ago):
    """A time in the pool, as marks have it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(pool.sim.state()["clock"] - ago))


def marks(pool, ago=2 * DAY, kind="disk", **changed):
    """Marks of a run that was killed so many seconds ago."""
    then = stamp(pool, ago)
    marked = {"run": RUN, "disk": MAKING, "kind": kind, "program": "vhdstream 0.1.0",
              "host": "build7", "start": then, "heartbeat": then}
    marked.update(changed)
    return {"vhdstream:" + k: v for k, v in marked.items() if v is not None}


def marked_disk(pool, label="left", **more):
    """One that carries them without a run having been here; quicker than a killed run."""
    return pool.make_disk("nfs", 2 * MIB, label=label, other_config=marks(pool, **more))


def client(pool):
    return PlainClient(pool.sim, user="root", password=PASSWORD)


def clean(program, pool, *args, status=0, **more):
    return program("clean", pool.place("").rstrip("/"), *pool.password, *args, status=status,
                   **more)


def fates(program, pool, *args, status=0):
    """What became of each: {uuid: (fate, why)}."""
    items = clean(program, pool, "--json", *args, status=status).json["items"]
    return {item["uuid"]: (item["fate"], item.get("why", "")) for item in items}


# -- killed runs ------------------------------------------------------------


def test_disk_of_a_killed_import(program, pool, disk):
    uuid = killed_import(program, pool, disk)
    run = pool.disks[uuid]["other_config"]["vhdstream:run"]
    host = pool.disks[uuid]["other_config"]["vhdstream:host"]
    pool.sim.advance_clock(seconds=2 * DAY)
    line, total = clean(program, pool).text.splitlines()
    assert re.fullmatch(r'disk %s "ubuntu", SR "nfs", %d bytes, 2 d \d+ h \d+ min old, '
                        r'of run %s on %s: removed' % (uuid, SIZE, run, re.escape(host)), line)
    assert total == "1 removed, 0 spared"
    assert pool.disks == {} and pool.sim.state()["tasks"] == {}


def test_snapshot_of_a_killed_export(program, pool, disk, tmp_path):
    uuid = pool.make_disk("nfs", SIZE, disk)
    pool.sim.set_fault(on="export", do="stall", at=3 * MIB)
    process = program.start("copy", pool.vdi(uuid), tmp_path / "o.vhd", "--snapshot", *pool.login)
    pool.sim.wait_transfer(moved=2 * MIB)
    kill(pool, process)
    assert len(pool.disks) == 2
    pool.sim.advance_clock(seconds=2 * DAY)
    assert clean(program, pool).text.startswith("snapshot ")
    assert list(pool.disks) == [uuid]


def test_task_of_a_killed_run(program, pool, disk):
    """XAPI itself forgets it 65 minutes after its end."""
    killed_import(program, pool, disk)
    assert len(pool.sim.state()["tasks"]) == 1
    pool.sim.advance_clock(seconds=40 * 60)
    text = clean(program, pool, "--older-than", "30m").text
    assert re.search(r'^task [-0-9a-f]{36} "VDI_IMPORT_for_ubuntu", 0 d 0 h \d+ min old, of run '
                     r'.*: removed$', text, re.M), text
    assert pool.disks == {} and pool.sim.state()["tasks"] == {}


def test_nothing_is_found(program, pool):
    pool.make_disk("nfs", 2 * MIB)
    text = clean(program, pool).text
    assert text.endswith(": nothing there is of an unfinished run\n")
    assert len(pool.disks) == 1


def test_dry_run_removes_nothing(program, pool):
    uuid = marked_disk(pool)
    text = clean(program, pool, "--dry-run").text
    assert ": would be removed\n1 would be removed, 0 spared\n" in text
    assert list(pool.disks) == [uuid] and not pool.sim.rpc_calls("VDI.destroy")


def test_quiet(program, pool):
    marked_disk(pool)
    assert clean(program, pool, "-q").text == ""
    assert pool.disks == {}


def test_json_is_one_object(program, pool):
    uuid = marked_disk(pool, label="gr\u00fcn")
    result = clean(program, pool, "--json", "--older-than", "12h").json
    item, = result.pop("items")
    assert result == {"place": pool.place("").rstrip("/"), "dry_run": False, "older_than": 43200,
                      "clock": "pool", "removed": 1, "removable": 0, "spared": 0,
                      "not_removed": 0}
    assert item.pop("age") >= 2 * DAY and item.pop("start") == item.pop("heartbeat")
    assert item == {"what": "disk", "uuid": uuid, "name_label": "gr\u00fcn",
                    "sr": pool.sim.srs["nfs"]["uuid"], "sr_name": "nfs",
                    "virtual_size": 2 * MIB, "run": RUN, "host": "build7",
                    "program": "vhdstream 0.1.0", "fate": "removed"}


# -- what is spared ---------------------------------------------------------


def spared(program, pool, uuid, part, *args):
    """It is, for that reason, also where any age will do."""
    fate, why = fates(program, pool, "--older-than", "0m", *args)[uuid]
    assert fate == "spared" and part in why, (fate, why)
    assert uuid in pool.disks and not pool.sim.rpc_calls("VDI.destroy")


def test_younger_than_a_day(program, pool):
    uuid = marked_disk(pool, ago=23 * 3600)
    assert fates(program, pool) == {uuid: ("spared", "it is younger than 1 day")}
    assert fates(program, pool, "--older-than", "22h") == {uuid: ("removed", "")}


def test_run_under_way(program, pool, disk):
    pool.sim.set_fault(on="import", do="stall", at=3 * MIB)
    process = program.start("copy", disk, pool.sr("nfs"), *pool.login)
    pool.sim.wait_transfer(moved=2 * MIB)
    uuid, = pool.disks
    spared(program, pool, uuid, "it is plugged", "--force")
    task, = [why for u, (_, why) in
             fates(program, pool, "--older-than", "0m").items() if u != uuid]
    assert "it is pending" in task
    process.send_signal(signal.SIGINT)
    end(process, 130)
    assert pool.disks == {}


def test_live_heartbeat(program, pool):
    """Under either of its two names."""
    uuid = marked_disk(pool, heartbeat2=stamp(pool, 60))
    spared(program, pool, uuid, "its run is alive: its heartbeat is ", "--force")


def test_heartbeat_that_stopped(program, pool):
    """After a long life."""
    marked_disk(pool, heartbeat=stamp(pool, 3600), heartbeat2=stamp(pool, 3660))
    clean(program, pool)
    assert pool.disks == {}


def test_disk_of_a_vm_that_is_off(program, pool):
    """It was told that the marks could not be removed, and is used all the same."""
    uuid = marked_disk(pool)
    pool.sim.attach_vdi(vdi=uuid, plugged=False)
    spared(program, pool, uuid, "it is a disk of a VM", "--force")


@pytest.mark.parametrize("by", ["mark", "description"])
def test_pending_task_of_its_run(program, pool, by):
    """Some users may not mark a task; then its description says whose it is."""
    uuid, other = marked_disk(pool), client(pool)
    text = "vhdstream %s, run %s" % (MAKING, RUN) if by == "description" else ""
    task = other.call("task.create", "VDI_IMPORT_for_x", text)
    if by == "mark":
        other.call("task.add_to_other_config", task, "vhdstream:run", RUN)
    spared(program, pool, uuid, "a task of its run is pending", "--force")
    other.call("task.set_status", task, "failure")
    clean(program, pool)
    assert pool.disks == {}


def test_kept_for_resume(program, pool):
    uuid = marked_disk(pool, state="build7:/var/tmp/job.state")
    spared(program, pool, uuid, "kept for --resume, by the state file build7:/var/tmp/job.state")
    clean(program, pool, "--force")
    assert pool.disks == {}


@pytest.mark.parametrize("flaw", [
    {"run": "mine"}, {"disk": None}, {"kind": None}, {"program": "my script"},
    {"host": None}, {"start": None}, {"start": "long ago"}, {"heartbeat": "never"}])
def test_marks_that_no_run_writes(program, pool, flaw):
    uuid = marked_disk(pool, **flaw)
    key, = flaw
    spared(program, pool, uuid, "its marks are not those of a run: vhdstream:" + key, "--force")


def test_keys_that_are_no_marks(program, pool):
    """Of a digest, or what a half-done removal of marks has left on a whole disk."""
    uuid = marked_disk(pool, run=None, digest="x")
    assert fates(program, pool, "--older-than", "0m") == {}
    assert list(pool.disks) == [uuid]


def test_snapshot_that_somebody_made_of_it(program, pool):
    """XAPI copies other_config."""
    uuid, other = marked_disk(pool), client(pool)
    snapshot = other.uuid(other.call("VDI.snapshot", other.call("VDI.get_by_uuid", uuid)))
    found = fates(program, pool, "--force")
    assert found[uuid] == ("removed", "")
    assert found[snapshot][0] == "spared" and "somebody else made it" in found[snapshot][1]
    assert list(pool.disks) == [snapshot]


def test_clone_that_somebody_made_of_it(program, pool):
    uuid, other = marked_disk(pool), client(pool)
    other.call("VDI.clone", other.call("VDI.get_by_uuid", uuid))
    found = fates(program, pool, "--force")
    assert [fate for fate, _ in found.values()] == ["spared", "spared"]
    assert all("1 more has the same vhdstream:disk" in why for _, why in found.values())
    assert len(pool.disks) == 2


def test_clock_that_was_set_back(program, pool):
    uuid = marked_disk(pool, ago=-DAY)
    spared(program, pool, uuid, "ahead of the clock, which was set back", "--force")


# -- while it looks ---------------------------------------------------------


def unmark(pool, uuid):
    other = client(pool)
    other.call("VDI.remove_from_other_config", other.call("VDI.get_by_uuid", uuid),
               "vhdstream:run")


def test_run_that_completes_after_it_was_listed(program, pool):
    """The list is older than the truth: marks are read again before anything is destroyed."""
    uuid = marked_disk(pool)
    pool.sim.set_fault(on="rpc", match={"method": "VDI.get_record"}, do="stall", seconds=3000)
    process = program.start("clean", pool.place("").rstrip("/"), *pool.password)
    wait_until(lambda: pool.sim.rpc_calls("VDI.get_record"), "the look at the disk")
    unmark(pool, uuid)
    pool.sim.advance_clock(seconds=3000)
    assert b"0 removed" not in end(process, 0).out
    assert list(pool.disks) == [uuid] and not pool.sim.rpc_calls("VDI.destroy")


def test_run_that_completes_while_its_disk_is_in_use(program, pool):
    """And before every further attempt."""
    uuid = marked_disk(pool)
    fault = pool.sim.set_fault(on="rpc", match={"method": "VDI.destroy"}, do="error", times=-1,
                               error=IN_USE)
    process = program.start("clean", pool.place("").rstrip("/"), *pool.password)
    wait_until(lambda: pool.sim.rpc_calls("VDI.destroy"), "an attempt to destroy")
    unmark(pool, uuid)
    pool.sim.clear_faults(fault_id=fault)
    end(process, 0)
    assert list(pool.disks) == [uuid]


def test_disk_that_goes_by_itself(program, pool):
    uuid = marked_disk(pool)
    pool.sim.set_fault(on="rpc", match={"method": "VDI.get_record"}, do="stall", seconds=3000)
    process = program.start("clean", pool.place("").rstrip("/"), *pool.password)
    wait_until(lambda: pool.sim.rpc_calls("VDI.get_record"), "the look at the disk")
    pool.sim.destroy_vdi(vdi=uuid)
    pool.sim.advance_clock(seconds=3000)
    end(process, 0)


def test_disk_in_use_for_a_while(program, pool):
    marked_disk(pool)
    pool.sim.set_fault(on="rpc", match={"method": "VDI.destroy"}, do="error", times=3,
                       error=IN_USE)
    assert "1 removed" in clean(program, pool).text
    assert len(pool.sim.rpc_calls("VDI.destroy")) == 4 and pool.disks == {}


def test_stopped_while_a_disk_stays_in_use(program, pool):
    uuid = marked_disk(pool)
    pool.sim.set_fault(on="rpc", match={"method": "VDI.destroy"}, do="error", times=-1,
                       error=IN_USE)
    process = program.start("clean", pool.place("").rstrip("/"), *pool.password)
    wait_until(lambda: pool.sim.rpc_calls("VDI.destroy"), "an attempt to destroy")
    process.send_signal(signal.SIGTERM)
    end(process, 143)
    assert list(pool.disks) == [uuid] and pool.sim.state()["sessions"] == []


# -- what cannot be removed -------------------------------------------------


def test_disk_that_cannot_be_removed(program, pool):
    """It is named, with the command; the others go."""
    stays, goes = marked_disk(pool), marked_disk(pool, disk=RUN)
    ref = pool.disks[stays]["ref"]
    pool.sim.set_fault(on="rpc", match={"method": "VDI.destroy"}, do="error", error=STUCK)
    result = clean(program, pool, status=7)
    assert result.line.endswith("1 of what killed runs left could not be removed")
    assert "xe vdi-destroy uuid=" + stays in result.text and "mark VDI hidden" in result.text
    assert "1 removed, 0 spared, 1 not removed" in result.text
    assert list(pool.disks) == [stays] and goes not in pool.disks and ref not in result.text


def test_disk_that_cannot_be_removed_is_told_if_quiet(program, pool):
    uuid = marked_disk(pool)
    pool.sim.set_fault(on="rpc", match={"method": "VDI.destroy"}, do="error", error=STUCK)
    result = clean(program, pool, "-q", status=7)
    line, = result.text.splitlines()
    assert line.startswith("disk %s " % uuid)
    pool.sim.set_fault(on="rpc", match={"method": "VDI.destroy"}, do="error", error=STUCK)
    item, = clean(program, pool, "--json", status=7).json["items"]
    assert item["fate"] == "not_removed" and item["command"] == "xe vdi-destroy uuid=" + uuid


def test_user_who_may_only_look(program, pool, tmp_path):
    uuid = marked_disk(pool)
    (tmp_path / "guest").write_text("guest\n%s\n" % GUEST_PASSWORD)
    args = ["clean", pool.place("").rstrip("/"), "--password-file", tmp_path / "guest"]
    assert "1 would be removed" in program(*args, "--dry-run").text
    assert "RBAC_PERMISSION_DENIED" in program(*args, status=7).text
    assert list(pool.disks) == [uuid]


def test_wrong_password(program, pool, tmp_path):
    (tmp_path / "wrong").write_text("wrong\n")
    result = program("clean", pool.place("").rstrip("/"), "--password-file", tmp_path / "wrong",
                     "--json", status=5)
    assert result.out == b""


@pytest.mark.parametrize("args", [["--older-than", "1"], ["--older-than", "soon"],
                                  ["--older-than", "1.5d"], ["--to", "raw"]])
def test_wrong_options(program, pool, args):
    clean(program, pool, *args, status=2)


@pytest.mark.parametrize("rest", ["sr/nfs", "vdi/x"])
def test_place_that_is_no_pool(program, pool, rest):
    assert "xapi://HOST" in program("clean", pool.place(rest), *pool.password, status=2).line


def test_file_is_no_pool(program, tmp_path):
    assert "xapi://HOST" in program("clean", tmp_path / "a", status=2).line


# -- pools of all kinds -----------------------------------------------------


def test_pool_with_more_than_one_answer_holds(program, pool):
    uuid = marked_disk(pool)
    kept = pool.make_disk("nfs", 2 * MIB)
    for method in ("VDI.get_all_records", "task.get_all_records"):
        pool.sim.set_fault(on="rpc", match={"method": method}, do="answer", text="x" * 1000000,
                           repeat=9, times=-1)
    assert fates(program, pool) == {uuid: ("removed", "")}
    assert list(pool.disks) == [kept]


def test_pool_that_does_not_tell_its_time(program, pool):
    """Then it is this machine's, and that is said."""
    pool.sim.set_fault(on="rpc", match={"method": "host.get_servertime"}, do="error", times=-1,
                       error=["MESSAGE_METHOD_UNKNOWN", "host.get_servertime"])
    start = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 2 * DAY))
    marked_disk(pool, start=start, heartbeat=start)
    result = clean(program, pool, "--json")
    assert "by the clock of this machine" in result.line
    assert result.json["clock"] == "own" and result.json["removed"] == 1


def test_starts_are_by_the_clock_of_the_pool(program, pool, disk):
    """Whatever the clock of the machine that copies says."""
    pool.sim.advance_clock(seconds=5 * DAY)
    before = stamp(pool, 0)
    uuid = killed_import(program, pool, disk)
    config = pool.disks[uuid]["other_config"]
    assert before <= config["vhdstream:start"] <= stamp(pool, 0)
    assert config["vhdstream:heartbeat"] == config["vhdstream:start"]


def test_master_that_has_moved(program, pool):
    marked_disk(pool)
    place = pool.place("", host="two").rstrip("/")
    assert "1 removed" in program("clean", place, *pool.password).text


def test_control_characters_in_names(program, pool):
    marked_disk(pool, label="\x1b]0;owned\x07", host="\x1b[2J\nx", state="\x9b")
    text = clean(program, pool).text
    assert len(text.splitlines()) == 2 and "\x1b" not in text and "\x07" not in text


# -- tasks of runs ----------------------------------------------------------


def test_task_carries_marks(program, pool, disk):
    killed_import(program, pool, disk)
    task, = pool.sim.state()["tasks"].values()
    disk_marks = next(iter(pool.disks.values()))["other_config"]
    assert task["other_config"]["vhdstream:kind"] == "task"
    for key in ("run", "program", "host"):
        assert task["other_config"]["vhdstream:" + key] == disk_marks["vhdstream:" + key]


def test_task_that_may_not_be_marked(program, pool, disk):
    """Older servers let only a pool's operators do that: no reason to fail."""
    pool.sim.set_fault(on="rpc", match={"method": "task.set_other_config"}, do="error",
                       error=["RBAC_PERMISSION_DENIED", "task.set_other_config", "no"])
    program("copy", disk, pool.sr("nfs"), *pool.login)
    assert len(pool.sim.rpc_calls("task.set_other_config")) == 1
