# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""repair mends what needs no guessing, keeps what it overwrites, and leaves all else alone.

The content before and after is judged by the model of the format; what a repair may do, by the
bytes of the file.
"""

import os
import random
import re
import subprocess
import time

import pytest

from corpus_case import block, whole
from valid_blktap import tap
from vhd_edit import Edit
from vhd_fields import FIXED, MIB, NO_OFFSET, SECTOR, Footer
from vhd_reader import read_content
from vhd_rig import Failures, errors, run
from vhd_writer import Batmap, Disk, write

SMALL = 40 * MIB        # larger files of the corpus are sparse giants


def dynamic(**more):
    return Disk(**{"size": 20 * MIB, "blocks": [block(2, 5, 9), whole(7), block(0, 1, 2)], **more})


def fixed():
    return Disk(size=MIB, type=FIXED, runs=[(0, b"boot" * 128), (2040, b"end!" * 128)])


def blktap(**batmap):
    return tap(20 * MIB, [whole(2), block(0, 8, 64), block(5, 4000, 96)],
               batmap=Batmap(**batmap))


def swap_sum(edit):
    """Both sums are wrong; the trailing one's bytes are right, as the other's sum tells."""
    tail = edit.placed.footer
    right = edit.read(tail + 64, 4)
    edit.flip(30)
    edit.put(64, right)
    edit.put(tail + 64, b"\1\2\3\4")


# name: the disk, the damage, the finding that is mended, byte ranges that may change
DAMAGES = {
    "tail-lost": (dynamic, lambda e: e.cut(e.placed.footer), "trailing-footer-missing"),
    "tail-cut": (dynamic, lambda e: e.cut(e.size - 200), "trailing-footer-missing"),
    "tail-cut-to-a-byte": (dynamic, lambda e: e.cut(e.size - 511), "trailing-footer-missing"),
    "tail-zeroed": (dynamic, lambda e: e.put(e.placed.footer, bytes(512)),
                    "trailing-footer-missing"),
    "tail-sum": (dynamic, lambda e: e.flip(e.placed.footer + 50), "trailing-footer-checksum"),
    "copy-lost": (dynamic, lambda e: e.put(0, bytes(512)), "footer-copy-missing"),
    "copy-sum": (dynamic, lambda e: e.flip(50), "footer-copy-checksum"),
    "both-sums": (dynamic, lambda e: e.footer(checksum=0), "footer-checksum"),
    "both-sums-one-right": (dynamic, swap_sum, "footer-checksum"),
    "footers-differ": (dynamic, lambda e: e.copy(uuid=bytes(range(16))), "footers-differ"),
    "footers-conflict": (dynamic, lambda e: e.copy(current_size=16 * MIB), "footers-conflict"),
    "header-sum": (dynamic, lambda e: e.header(checksum=0), "header-checksum"),
    "header-unused": (dynamic, lambda e: e.header(data_offset=0xFFFFFFFF),
                      "header-data-offset"),
    "geometry-large": (dynamic, lambda e: e.footer(geometry=(65535, 16, 63)), "geometry-large"),
    "geometry-zero": (dynamic, lambda e: e.footer(geometry=(0, 4, 17)), "geometry-zero"),
    "features": (dynamic, lambda e: e.footer(features=0), "features"),
    "fixed-sum": (fixed, lambda e: e.tail(checksum=1), "footer-checksum"),
    "fixed-geometry": (fixed, lambda e: e.tail(geometry=(30, 0, 17)), "geometry-zero"),
    "fixed-data-offset": (fixed, lambda e: e.tail(data_offset=512), "fixed-data-offset"),
    "batmap-sum": (lambda: blktap(checksum=7), None, "batmap-checksum"),
    "batmap-lies": (lambda: blktap(bits=b"\xff" * 512), None, "batmap-lies"),
    "batmap-size": (lambda: blktap(sectors=0), None, "batmap-size"),
    "batmap-place": (lambda: blktap(offset=0), None, "batmap-place"),
    "batmap-cookie": (lambda: blktap(cookie=b"tdbatmaq"), None, "batmap-missing"),
    "batmap-version": (blktap, lambda e: e.put(e.placed.batmap + 20, bytes(4)),
                       "batmap-version"),
}
TWO = {"tail-lost", "geometry-large", "batmap-sum", "tail-cut"}


class Case:
    """A disk that was sound, its content, and its file as it is damaged."""

    def __init__(self, folder, name):
        make, damage, self.finding = DAMAGES[name]
        self.path = os.path.join(folder, name + ".vhd")
        edit = Edit(self.path, write(make(), self.path))
        self.content = read_content([self.path])
        self.sound = read(self.path)
        if damage:
            damage(edit)
        self.damaged = read(self.path)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def put_back(path, data):
    with open(path, "wb") as file:
        file.write(data)


def backups(path):
    folder, name = os.path.split(path)
    return sorted(os.path.join(folder, n) for n in os.listdir(folder)
                  if n.startswith(name + ".backup-"))


def check(vhdstream, path):
    return run(vhdstream, "check", "--json", path)


def repair(vhdstream, path, *args):
    return run(vhdstream, "repair", "--json", path, *args)


@pytest.fixture(params=sorted(DAMAGES))
def case(request, tmp_path):
    return Case(str(tmp_path), request.param)


@pytest.fixture(params=sorted(TWO))
def one_of_two(request, tmp_path):
    return Case(str(tmp_path), request.param)


# --- mending -----------------------------------------------------------------


def test_damage_is_mended(vhdstream, case):
    before = check(vhdstream, case.path).json
    assert case.finding in {f["id"] for f in before["findings"]}
    result = repair(vhdstream, case.path).json
    assert [m["id"] for m in result["mended"]] == [case.finding]
    after = check(vhdstream, case.path).json
    assert after["errors"] == after["warnings"] == 0, after["findings"]
    assert read_content([case.path]) == case.content


def test_nothing_but_what_is_told_is_written(vhdstream, case):
    written = repair(vhdstream, case.path).json["written"]
    now = read(case.path)
    told = set()
    for r in written:
        told.update(range(r["offset"], r["offset"] + r["length"]))
    old = case.damaged.ljust(len(now), b"\0")
    for at in range(0, len(now), SECTOR):
        if old[at:at + SECTOR] != now[at:at + SECTOR]:
            assert all(i in told for i in range(at, min(at + SECTOR, len(now)))
                       if old[i] != now[i])
    assert len(now) <= max(len(case.damaged), max(told) + 1)


def test_a_mended_disk_has_nothing_to_mend(vhdstream, case):
    repair(vhdstream, case.path)
    mended, kept = read(case.path), backups(case.path)
    result = repair(vhdstream, case.path)
    assert result.status == 0 and result.json["mended"] == [] and "backup" not in result.json
    assert read(case.path) == mended and backups(case.path) == kept


def test_a_dry_run_writes_nothing(vhdstream, case):
    stamp = os.stat(case.path).st_mtime_ns
    result = repair(vhdstream, case.path, "--dry-run").json
    assert [m["id"] for m in result["mended"]] == [case.finding] and result["written"]
    assert read(case.path) == case.damaged and os.stat(case.path).st_mtime_ns == stamp
    assert os.listdir(os.path.dirname(case.path)) == [os.path.basename(case.path)]


def test_undo_gives_back_every_byte(vhdstream, case):
    repair(vhdstream, case.path)
    backup, = backups(case.path)
    assert repair(vhdstream, case.path, "--undo", backup, "--dry-run").status == 0
    assert read(case.path) != case.damaged
    assert repair(vhdstream, case.path, "--undo", backup).status == 0
    assert read(case.path) == case.damaged
    assert backups(case.path) == [backup]


def test_a_child_keeps_its_parent(vhdstream, corpus, tmp_path):
    child = next(v for v in corpus.valid("differencing") if v["quick"] and not v["args"])
    data = read(corpus.path(child["path"]))
    path = str(tmp_path / "child.vhd")
    put_back(path, data[:-512])
    assert repair(vhdstream, path).status == 0
    assert read(path) == data


# --- what is not mended ------------------------------------------------------


def test_the_corpus_is_mended_or_left_alone(vhdstream, corpus, tmp_path):
    """Whatever a file is: no error is left, or not a byte is changed; undo gives all back."""
    failures = Failures()
    path = str(tmp_path / "disk.vhd")
    for entry in corpus.manifest["valid"] + corpus.manifest["bad"]:
        if entry["file_size"] > SMALL:
            continue
        data = read(corpus.path(entry["path"]))
        put_back(path, data)
        result = repair(vhdstream, path)
        failures.expect(result.status == (3 if result.json["errors"] else 0), entry["name"],
                        "status %d" % result.status)
        if result.status == 3:
            reasons = {left["id"] for left in result.json["left"]}
            missing = {f["id"] for f in errors(entry["file"])} - reasons
            failures.expect(not missing or entry["file"]["verdict"] == "refuse" and reasons,
                            entry["name"], "no reason for %s" % missing)
            failures.expect(read(path) == data and not backups(path), entry["name"], "changed")
        for backup in backups(path):
            failures.expect(run(vhdstream, "repair", path, "--undo", backup).status == 0,
                            entry["name"], "not taken back")
            failures.expect(read(path) == data, entry["name"], "not all was taken back")
            os.unlink(backup)
    failures.check()


def test_the_content_of_the_corpus_stays(vhdstream, corpus, tmp_path):
    failures = Failures()
    path = str(tmp_path / "disk.vhd")
    for entry in corpus.valid("dynamic", "fixed"):
        if entry["file_size"] <= SMALL and entry["sha256"]:
            put_back(path, read(corpus.path(entry["path"])))
            repair(vhdstream, path)
            failures.expect(read_content([path]).sha256() == entry["sha256"], entry["name"],
                            "content")
    failures.check()


def leave(tmp_path, disk, damage):
    path = str(tmp_path / "left.vhd")
    damage(Edit(path, write(disk, path)))
    return path


@pytest.mark.parametrize("name, disk, damage, finding", [
    ("cut-in-a-block", dynamic, lambda e: e.cut(e.placed.footer - MIB), "block-cut"),
    ("footers-contradict", dynamic, lambda e: (e.flip(30), e.flip(e.placed.footer + 49)),
     "footer-checksum"),
    ("only-footer-bad", lambda: dynamic(tail=None), lambda e: e.flip(50), "footer-checksum"),
    ("fixed-size-in-doubt", fixed, lambda e: e.tail(current_size=MIB - 512, checksum=3),
     "footer-checksum"),
    ("header-field-in-doubt", dynamic, lambda e: e.header(max_entries=11, checksum=0),
     "header-checksum"),
    ("header-table-in-doubt", dynamic, lambda e: e.header(table_offset=2048, checksum=0),
     "header-checksum"),
    ("header-block-size-in-doubt", dynamic, lambda e: e.header(block_size=4 * MIB, checksum=0),
     "header-checksum"),
    ("header-reserved-in-doubt", dynamic, lambda e: e.header(reserved1=5, checksum=0),
     "header-checksum"),
    ("header-padding-in-doubt", lambda: dynamic(tail_pad=4096),
     lambda e: e.header(checksum=0), "header-checksum"),
])
def test_what_needs_guessing_is_refused(vhdstream, tmp_path, name, disk, damage, finding):
    path = leave(tmp_path, disk(), damage)
    before = read(path)
    result = repair(vhdstream, path)
    assert result.status == 3 and result.json["mended"] == []
    assert finding in {left["id"] for left in result.json["left"]}
    assert read(path) == before and not backups(path), name


def test_a_childs_header_is_not_confirmed(vhdstream, corpus, tmp_path):
    """Nothing tells whether the uuid of the parent is right."""
    child = next(v for v in corpus.valid("differencing") if v["quick"] and not v["args"])
    data = bytearray(read(corpus.path(child["path"])))
    at = Footer.unpack(bytes(data[:512])).data_offset
    data[at + 45] ^= 1
    path = str(tmp_path / "child.vhd")
    put_back(path, data)
    result = repair(vhdstream, path)
    assert result.status == 3 and read(path) == data
    assert "parent" in result.json["left"][0]["text"]


def test_warnings_that_stay_are_told_with_a_reason(vhdstream, tmp_path):
    path = leave(tmp_path, dynamic(blocks=[block(2, 5, 9, junk=[(100, b"old!" * 128)])]),
                 lambda e: None)
    result = repair(vhdstream, path)
    assert result.status == 0 and not backups(path)
    assert [left["id"] for left in result.json["left"]] == ["data-under-clear-bits"]


@pytest.mark.parametrize("creator", [b"vpc ", b"qemu"])
def test_the_geometry_that_is_the_size_stays(vhdstream, tmp_path, creator):
    path = leave(tmp_path, dynamic(footer={"creator": creator, "geometry": (2000, 4, 17)}),
                 lambda e: None)
    result = repair(vhdstream, path)
    assert result.json["mended"] == []
    assert [left["id"] for left in result.json["left"]] == ["geometry-large"]


def test_a_batmap_needs_room(vhdstream, tmp_path):
    path = leave(tmp_path, tap(20 * MIB, [block(1, at=4)], batmap=None), lambda e: None)
    result = repair(vhdstream, path)
    assert result.status == 0 and "room" in result.json["left"][0]["text"]


# --- crashes -----------------------------------------------------------------


def ranges_of(backup):
    """(offset, old bytes, new bytes) of a backup, by its description in the header file."""
    text = read(backup).decode("ascii")
    head, _, end = text.rpartition("sum ")
    total = 0xCBF29CE484222325
    for byte in head.encode():
        total = (total ^ byte) * 0x100000001B3 % (1 << 64)
    assert text.startswith("vhdstream backup 1\n") and end == "%016x\n" % total
    found = re.findall(r"range (\d+) (\d+) (\d+)\nold\n([0-9a-f\n]*)new\n([0-9a-f\n]*)", text)
    out = []
    for offset, length, old_length, old, new in found:
        old, new = bytes.fromhex(old), bytes.fromhex(new)
        assert len(old) == int(old_length) and len(new) == int(length)
        out.append((int(offset), old, new))
    return out


def half_done(case, ranges):
    """The file after each sector that a repair writes, and with the last one torn."""
    now = bytearray(case.damaged)
    ordered = [r for r in ranges if r[0]] + [r for r in ranges if not r[0]]
    for offset, _, new in ordered:
        for at in range(0, len(new), SECTOR):
            piece = new[at:at + SECTOR]
            if offset + at > len(now):
                now.extend(bytes(offset + at - len(now)))
            now[offset + at:offset + at + len(piece)] = piece
            yield bytes(now)


def test_the_backup_has_what_was_there(vhdstream, case):
    result = repair(vhdstream, case.path).json
    backup, = backups(case.path)
    assert result["backup"] == backup
    now = read(case.path)
    for offset, old, new in ranges_of(backup):
        assert case.damaged[offset:offset + len(new)] == old
        assert now[offset:offset + len(new)] == new


def test_a_crash_at_any_sector_can_be_undone(vhdstream, case):
    repair(vhdstream, case.path)
    backup, = backups(case.path)
    for state in [case.damaged] + list(half_done(case, ranges_of(backup))):
        put_back(case.path, state)
        assert run(vhdstream, "repair", case.path, "--undo", backup).status == 0
        assert read(case.path) == case.damaged


def test_a_crash_at_any_sector_can_be_repaired(vhdstream, one_of_two):
    case = one_of_two
    repair(vhdstream, case.path)
    backup, = backups(case.path)
    done = read(case.path)
    for state in half_done(case, ranges_of(backup)):
        put_back(case.path, state)
        assert repair(vhdstream, case.path).status == 0
        assert read(case.path) == done
        assert read_content([case.path]) == case.content


def test_at_every_sector_one_footer_is_sound(vhdstream, case):
    """A disk that could be read before the repair can be read whenever it ends."""
    if case.finding in ("footer-checksum", "header-checksum"):
        pytest.skip("it could not be read before")
    repair(vhdstream, case.path)
    backup, = backups(case.path)
    for state in half_done(case, ranges_of(backup)):
        put_back(case.path, state)
        assert read_content([case.path]) == case.content


def test_a_kill_at_any_time_can_be_undone(vhdstream, one_of_two):
    """However far it came: the file is as it was, or a whole backup is there."""
    case, dice = one_of_two, random.Random(5)
    for _ in range(20):
        process = subprocess.Popen([vhdstream, "repair", case.path], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        time.sleep(dice.random() * 0.03)
        process.kill()
        process.wait()
        if not backups(case.path):
            assert read(case.path) == case.damaged
        for backup in backups(case.path):
            assert run(vhdstream, "repair", case.path, "--undo", backup).status == 0
            os.unlink(backup)
        assert read(case.path) == case.damaged


# --- undo that is refused ----------------------------------------------------


@pytest.fixture
def mended(vhdstream, tmp_path):
    case = Case(str(tmp_path), "geometry-large")
    repair(vhdstream, case.path)
    return case


def expect_no_undo(vhdstream, path, backup, status=3):
    before = read(path)
    result = run(vhdstream, "repair", path, "--undo", backup)
    assert result.status == status, result.err
    assert read(path) == before
    return result


def test_a_file_that_has_changed_since_is_left(vhdstream, mended):
    backup, = backups(mended.path)
    Edit(mended.path, None).put(len(mended.damaged) - 430, b"x")
    assert "changed" in expect_no_undo(vhdstream, mended.path, backup).line


def test_a_file_that_has_grown_since_is_left(vhdstream, mended):
    backup, = backups(mended.path)
    with open(mended.path, "ab") as file:
        file.write(bytes(512))
    expect_no_undo(vhdstream, mended.path, backup)


def test_a_footer_that_was_moved_on_is_not_cut_off(vhdstream, tmp_path):
    """The appended footer was changed by somebody afterwards, the length is the same."""
    case = Case(str(tmp_path), "tail-lost")
    repair(vhdstream, case.path)
    backup, = backups(case.path)
    Edit(case.path, None).put(len(case.damaged) + 85, b"\1")
    expect_no_undo(vhdstream, case.path, backup)


def test_another_files_backup_is_refused(vhdstream, mended, tmp_path):
    backup, = backups(mended.path)
    other = Case(str(tmp_path), "features")
    expect_no_undo(vhdstream, other.path, backup)


def test_a_broken_backup_is_refused(vhdstream, mended, tmp_path):
    backup, = backups(mended.path)
    text = read(backup)
    for name, data in (("cut", text[:-30]), ("changed", text.replace(b"new\n6", b"new\n7", 1)),
                       ("empty", b""), ("other", b"not a backup\n" * 50)):
        bad = str(tmp_path / name)
        put_back(bad, data)
        expect_no_undo(vhdstream, mended.path, bad)
    expect_no_undo(vhdstream, mended.path, str(tmp_path / "none"), status=4)


# --- places ------------------------------------------------------------------


def test_backups_do_not_replace_each_other(vhdstream, tmp_path):
    case = Case(str(tmp_path), "tail-lost")
    for count in (1, 2, 3):
        put_back(case.path, case.damaged)
        assert repair(vhdstream, case.path).status == 0
        assert len(backups(case.path)) == count


def test_no_room_for_the_backup_no_repair(vhdstream, tmp_path):
    case = Case(str(tmp_path), "tail-sum")
    limit = "ulimit -f 0; exec \"$0\" repair \"$1\""
    done = subprocess.run(["bash", "-c", limit, vhdstream, case.path], capture_output=True,
                          check=False)
    assert done.returncode == 6, done.stderr
    assert read(case.path) == case.damaged and not backups(case.path)


def test_a_folder_that_takes_no_backup(vhdstream, tmp_path):
    if os.getuid() == 0:
        pytest.skip("root may write everywhere")
    case = Case(str(tmp_path), "tail-sum")
    os.chmod(tmp_path, 0o500)
    try:
        assert run(vhdstream, "repair", case.path).status == 1
    finally:
        os.chmod(tmp_path, 0o700)
    assert read(case.path) == case.damaged
