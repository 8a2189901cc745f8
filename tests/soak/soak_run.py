# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Transfers with random faults, one after the other, and what has to hold after each.

A success is compared with what was sent; after a failure nothing is left, neither in the pool
nor in the folder. What the library does in one process must leave descriptors, threads and
memory as they were.
"""

import contextlib
import hashlib
import os
import random
import shutil
import signal
import subprocess
import time

import pool_rig
from disk_rig import MIB, content_of, image_of, noise, raw_file, read_raw, vhd
from program_rig import PASSWORD, Result
from soak_plan import draw

BLOCK = 2 * MIB
STATUSES = {0, 1, 3, 4, 5, 6, 7, 75, 130, 143}
ROOM_KIB = 12 * 1024        # that memory may grow, from the first half of the copies to the last


class Disk:
    """One disk in all forms; half of its blocks are in use."""

    def __init__(self, rng, folder, number):
        self.size = rng.randrange(1, 5) * 2 * BLOCK     # which no SR rounds up
        used = [n for n in range(self.size // BLOCK) if rng.random() < 0.6]
        data = {n: noise("%d %d" % (number, n), BLOCK) for n in used}
        self.paths = {form: folder / ("%d.%s" % (number, form)) for form in ("raw", "vhd", "tgz")}
        raw_file(self.paths["raw"], self.size, [(n * BLOCK, data[n]) for n in used])
        self.paths["vhd"].write_bytes(vhd(self.size, data))
        self.paths["tgz"].write_bytes(image_of(vhd(self.size, data)))
        self.bytes = self.paths["raw"].read_bytes()
        self.digest = hashlib.sha256(self.bytes).hexdigest()
        self.content = read_raw(self.paths["raw"])


class Library:
    """soaktool: one process, and how much it holds after each copy."""

    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        self.counts = []            # (descriptors, threads, KiB)

    def copy(self, source, target, options):
        words = [str(source), str(target)] + ["%s=%s" % item for item in options.items()]
        self.process.stdin.write("\t".join(words) + "\n")
        self.process.stdin.flush()
        status, fds, threads, kib, text = self.process.stdout.readline().rstrip("\n").split("\t", 4)
        self.counts.append((int(fds), int(threads), int(kib)))
        err = b"" if status == "0" else b"vhdstream: " + text.encode()
        return Result(words, int(status), b"", err).check(None)

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(60) == 0
        self.process.stdout.close()

    def growth(self):
        """KiB by which the most held in the last half is more than that of the first."""
        held = [kib for _, _, kib in self.counts]
        half = len(held) // 2
        return max(held[half:]) - max(held[:half]) if half else 0

    def check(self, with_memory):
        """Flat: nothing is kept open, nobody runs on, and memory does not grow. (A sanitizer may
        have a thread of its own.)"""
        assert len({fds for fds, _, _ in self.counts}) <= 1, self.counts
        assert len({threads for _, threads, _ in self.counts}) <= 1, self.counts
        assert not with_memory or self.growth() < ROOM_KIB, self.counts


class Soak:
    def __init__(self, program, tool, folder, seed):
        self.program, self.folder = program, folder
        self.rng = random.Random(seed)
        self.disks = [Disk(self.rng, folder, n) for n in range(4)]
        self.pool = pool_rig.Pool(pool_rig.start({"tls": False}), folder)
        self.library = Library(tool)
        self.out = folder / "out"
        self.ends = {}              # status: how often

    def close(self):
        self.library.close()
        self.pool.sim.close()

    # -- one transfer ----------------------------------------------------------

    def transfer(self):
        plan = draw(self.rng, [disk.size for disk in self.disks])
        disk = self.disks[plan.disk]
        self.out.mkdir()
        self.pool.sim.reset()
        uuid = plan.source == "pool" and self.pool.make_disk(plan.source_sr, disk.size,
                                                             disk.paths["raw"])
        self.pool.remember()
        for strike in plan.strikes:
            self.pool.sim.set_fault(**strike)
        source, data = self.source(plan, disk, uuid)
        result = self.run(plan, disk, source, self.target(plan), data)
        try:
            self.judge(plan, disk, result)
        except AssertionError as e:
            raise AssertionError("%s\nstatus %d: %s\n%s" % (plan, result.status, result.err, e)) \
                from e
        shutil.rmtree(self.out)

    def source(self, plan, disk, uuid):
        """The place, and the bytes of a pipe."""
        if plan.source == "pool":
            return self.pool.vdi(uuid), b""
        path = disk.paths["raw" if plan.source == "pipe" else plan.source]
        keep = int(os.path.getsize(path) * plan.where)
        if plan.mishap == "cut source" and plan.source != "raw":    # which would be a smaller disk
            path = self.out / ("cut." + plan.source)
            path.write_bytes((disk.bytes if plan.source == "pipe" else
                              disk.paths[plan.source].read_bytes())[:keep])
        if plan.source == "pipe":
            return "-", path.read_bytes()
        return path, b""

    def target(self, plan):
        if plan.target == "pool":
            return self.pool.sr(plan.sr)
        return "-" if plan.target == "pipe" else self.out / ("o." + plan.target)

    def run(self, plan, disk, source, target, data):
        options = dict(plan.options)
        if "pool" in (plan.source, plan.target):
            options["password-file" if not plan.in_library else "password"] = \
                self.pool.login[-1] if not plan.in_library else PASSWORD
        if plan.in_library:
            return self.library.copy(source, target, options)
        if plan.source == "pipe":
            options.update({"from": "raw", "size": disk.size})
        if plan.target == "pipe":
            options["to"] = "raw"
        args = ["--%s=%s" % item for item in options.items()]
        return self.run_program(plan, ["copy", source, target, *args], data)

    def run_program(self, plan, args, data):
        process = self.program.start(*args, stdin=subprocess.PIPE)
        if plan.mishap == "closed reader":
            process.stdout.read(int(4 * MIB * plan.where))
            process.stdout.close()
        if plan.mishap == "signal":
            time.sleep(plan.where * 0.1)
            process.send_signal(self.rng.choice([signal.SIGINT, signal.SIGTERM]))
        out, err = self.finish(process, data)
        if plan.mishap == "signal" and process.returncode < 0:  # before anything was begun
            return Result(args, 128 - process.returncode, out, err)
        return Result(args, process.returncode, out, err).check(None)

    @staticmethod
    def finish(process, data):
        if not process.stdout.closed:
            with contextlib.suppress(BrokenPipeError):
                return process.communicate(data, timeout=90)
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(data)
            process.stdin.close()
        err = process.stderr.read()
        process.wait(90)
        return b"", err

    # -- judging ---------------------------------------------------------------

    def judge(self, plan, disk, result):
        self.ends[result.status] = self.ends.get(result.status, 0) + 1
        assert result.status in STATUSES
        self.pool.sim.clear_faults()
        self.pool.sim.wait_quiet()
        if result.status == 0:
            self.judge_success(plan, disk, result)
        else:
            assert set(os.listdir(self.out)) <= {"cut." + plan.source}
            assert plan.target != "pipe" or disk.bytes.startswith(result.out)
        self.pool.nothing_left()
        self.pool.check_manners()

    def judge_success(self, plan, disk, result):
        if plan.target == "pool":
            made = set(self.pool.disks) - set(self.pool.before.get("vdis", ()))
            uuid, = made
            assert self.pool.digest(uuid) == disk.digest
            assert self.pool.marks(uuid) == {}
            self.pool.sim.destroy_vdi(vdi=uuid)
        elif plan.target == "pipe":
            assert plan.mishap == "closed reader" or result.out == disk.bytes
        else:
            scratch = str(self.out)
            assert content_of(str(self.out / ("o." + plan.target)), plan.target, scratch) \
                == disk.content
