# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""What ./dev bench measures: jobs, and for each the contenders that can do it."""

import os
import shlex
import subprocess
import sys
import tarfile

import bench_disks
import http_rig
import real_disk
from peer.plain_client import PlainClient
from peer.remote import Simulator

HERE = os.path.dirname(os.path.abspath(__file__))
PASSWORD = "secret"
OURS = "vhdstream"
DENSE = "vhdstream --level 6"
ZSTD = "vhdstream --to tzst"
STARTS = 20
GIB = 1 << 30


class WrongOutput(Exception):
    """A contender ended well, but what it made is not what it was given."""


class Contender:
    """One way to do a job."""

    def __init__(self, name, command, judge):
        self.name = name
        self.command = command      # () -> list, or text for bash; not timed
        self.judge = judge          # (Run) -> bytes of output; WrongOutput; tidies up


class Goal:
    """`times` as fast as the peer, at most `size` times its output, or `cpu` seconds of our own."""

    def __init__(self, peer, times=None, size=None, cpu=None, ours=OURS):
        self.peer, self.times, self.size, self.cpu, self.ours = peer, times, size, cpu, ours


class Job:
    """Contenders for one task; the first is ours."""

    def __init__(self, title, size, contenders, goals=(), form="a VHD", note=""):
        self.title = title
        self.form = form            # in which it has that size
        self.note = note            # what does not compare
        self.size = size            # bytes that have to be moved; 0: it is not about bytes
        self.contenders = contenders
        self.goals = goals


class Bench:
    """The program, a scratch folder, and over cleartext HTTP on loopback a pool and nginx."""

    def __init__(self, program, folder):
        self.program = program
        self.out = os.path.join(folder, "out")
        self.scratch = os.path.join(folder, "scratch")
        state = os.path.join(folder, "pool")
        os.mkdir(state)
        self.sim = Simulator({"srs": [{"name": "store", "type": "nfs"}], "tls": False,
                              "state_dir": state,
                              "users": [{"name": "root", "password": PASSWORD}]})
        self.client = PlainClient(self.sim)
        self.sr = self.sim.srs["store"]
        self.sources = {}
        web = os.path.join(folder, "web")
        os.mkdir(web)
        self.web = http_rig.Nginx(web)

    def close(self):
        self.web.close()
        self.sim.close()

    def place(self, kind, ref):
        return "xapi+http://root@%s/%s/%s" % (self.sim.authority("http"), kind, ref)

    def source_vdi(self, disk):
        """The uuid of a VDI with the disk's content."""
        if disk.name not in self.sources:
            made = self.sim.create_vdi(sr="store", size=disk.size, file=disk.raw)
            self.sources[disk.name] = made["uuid"]
        return self.sources[disk.name]

    def url(self, verb, vdi, task):
        return self.sim.url("http") + self.client.target(verb, vdi, task, format="vhd")

    def os_xenapi(self, *args):
        return ["/usr/bin/python3", "-W", "ignore", os.path.join(HERE, "os_xenapi_peer.py"),
                *args]

    # -- judges --------------------------------------------------------------

    def judge_image(self, disk, unpacker="pigz"):
        """The file `out` is an image with the disk in it."""
        def judge(_run):
            size = os.path.getsize(self.out)
            unpacked = self.out + ".vhd"
            real_disk.first_member(self.out, unpacked, unpacker)
            _same(("raw", disk.raw), ("vpc", unpacked))
            os.remove(unpacked)
            os.remove(self.out)
            return size
        return judge

    def judge_file(self, disk, kind, path=None):
        """The file `out`, or that path, is the disk in that form of qemu-img's."""
        path = path or self.out

        def judge(_run):
            size = os.stat(path).st_blocks * 512
            _same(("raw", disk.raw), (kind, path))
            os.remove(path)
            return size
        return judge

    def judge_vdi(self, disk):
        """The only VDI that is not one of the sources is the disk."""
        def judge(_run):
            self.sim.wait_quiet()
            new = [u for u in self.sim.state()["vdis"] if u not in self.sources.values()]
            if len(new) != 1:
                raise WrongOutput("%d new VDIs, not one" % len(new))
            path = self.sim.vdi_path(vdi=new[0])
            _same(("raw", disk.raw), ("raw", path))
            size = os.stat(path).st_blocks * 512
            self.sim.destroy_vdi(vdi=new[0])
            return size
        return judge


def _same(one, other):
    if not real_disk.same_content(one, other):
        raise WrongOutput("qemu-img compare: %s and %s differ" % (one[1], other[1]))


def export_job(bench, disk, title, goals=(), slow=True):
    """VDI → tar.gz."""
    vdi = bench.source_vdi(disk)
    judge = bench.judge_image(disk)

    def ours(*options, to="tgz"):
        return lambda: [bench.program, "copy", "--to", to, *options,
                        bench.place("vdi", vdi), bench.out]

    def theirs(level):
        return lambda: bench.os_xenapi("export", bench.sim.url("http"), vdi, bench.out, level)

    def curl(level):
        def command():
            ref = bench.client.call("VDI.get_by_uuid", vdi)
            url = bench.url("export", ref, bench.client.task())
            return "mkdir -p {d} && curl -sSf -o {d}/0.vhd {u} && tar -cf - -C {d} 0.vhd " \
                "| pigz -{l} >{o} && rm {d}/0.vhd".format(
                    d=shlex.quote(bench.scratch), u=shlex.quote(url), l=level,
                    o=shlex.quote(bench.out))
        return command

    contenders = [Contender(OURS, ours(), judge),
                  Contender(DENSE, ours("--level", "6"), judge),
                  Contender(ZSTD, ours(to="tzst"), bench.judge_image(disk, "zstd")),
                  Contender("os-xenapi, level 1", theirs("1"), judge)]
    if slow:
        contenders += [Contender("os-xenapi, level 6", theirs("6"), judge),
                       Contender("curl to a file, tar, pigz -1", curl(1), judge),
                       Contender("curl to a file, tar, pigz -6", curl(6), judge)]
    return Job(title, os.path.getsize(disk.vhd), contenders, goals)


def import_job(bench, disk, title, image=None, goals=()):
    """tar.gz → VDI; of `image`, or of the disk's tgz, which is Python's and zlib's."""
    image = image or disk.tgz
    judge = bench.judge_vdi(disk)

    def ours():
        return [bench.program, "copy", image, bench.place("sr", "default")]

    def theirs():
        return bench.os_xenapi("import", bench.sim.url("http"), bench.sr["ref"], image)

    def curl():
        ref = bench.client.create_vdi("store", disk.size)
        url = bench.url("import", ref, bench.client.task())
        return "tar -xzOf {i} | curl -sSf -T - -H 'Expect:' -H 'Transfer-Encoding:' " \
            "-H 'Content-Length: {n}' {u}".format(
                i=shlex.quote(image), u=shlex.quote(url), n=member_size(image))

    return Job(title, os.path.getsize(disk.vhd),
               [Contender(OURS, ours, judge), Contender("os-xenapi", theirs, judge),
                Contender("tar -xzO, curl -T (size known before)", curl, judge)], goals)


def member_size(image):
    """The size that the first tar header promises."""
    done = subprocess.run("gzip -dc %s | head -c 512" % shlex.quote(image), shell=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return tarfile.TarInfo.frombuf(done.stdout, "utf-8", "strict").size


def convert_job(bench, disk, title, given, wanted):
    """File → file; the forms are qemu-img's names, vpc and raw."""
    paths = {"vpc": disk.vhd, "raw": disk.raw}
    ours = {"vpc": "vhd", "raw": "raw"}
    judge = bench.judge_file(disk, wanted)

    def copy():
        return [bench.program, "copy", "--from", ours[given], "--to", ours[wanted],
                paths[given], bench.out]

    def convert():
        options = ["-o", "subformat=dynamic,force_size=on"] if wanted == "vpc" else []
        return ["qemu-img", "convert", "-O", wanted, *options, "--image-opts",
                real_disk.opened(given, paths[given]), bench.out]

    return Job(title, os.path.getsize(disk.vhd),
               [Contender(OURS, copy, judge), Contender("qemu-img convert", convert, judge)])


def get_job(bench, disk):
    """A VHD of a web server → file."""
    os.link(disk.vhd, bench.web.path("given.vhd"))
    url, judge = bench.web.url("given.vhd"), bench.judge_file(disk, "vpc")
    return Job("HTTP: VHD from a server to a file", os.path.getsize(disk.vhd),
               [Contender(OURS, lambda: [bench.program, "copy", "--to", "vhd", url, bench.out],
                          judge),
                Contender("curl -o", lambda: ["curl", "-sSf", "-o", bench.out, url], judge)],
               [Goal("curl -o", 0.8)])


def put_job(bench, disk):
    """A VHD in a file → web server."""
    url = bench.web.url("taken.vhd")
    judge = bench.judge_file(disk, "vpc", bench.web.path("taken.vhd"))
    return Job("HTTP: VHD from a file to a server", os.path.getsize(disk.vhd),
               [Contender(OURS, lambda: [bench.program, "copy", disk.vhd, url], judge),
                Contender("curl -T", lambda: ["curl", "-sSf", "-T", disk.vhd, url], judge)],
               [Goal("curl -T", 0.8)])


def _often(*command):
    words = " ".join(map(shlex.quote, command))
    return lambda: "for i in {1..%d}; do %s >/dev/null; done" % (STARTS, words)


def start_job(bench):
    """What a program costs before it does anything."""
    def judge(_run):
        return 0

    return Job("Start: --help, %d times" % STARTS, 0,
               [Contender(OURS, _often(bench.program, "--help"), judge),
                Contender("qemu-img", _often("qemu-img", "--help"), judge),
                Contender("curl", _often("curl", "--help"), judge)],
               [Goal(OURS, cpu=STARTS * 0.02)])


def small_job(bench):
    """A copy of a disk with nothing in it: all that is not copying."""
    small = bench_disks.sparse_disk(os.path.dirname(bench.out), GIB, 0)
    judge = bench.judge_file(small, "vpc")
    return Job("Start: a copy of an empty disk of 1 GiB, %d times" % STARTS, 0,
               [Contender(OURS, _often(bench.program, "copy", "--force", "--to", "vhd", small.vhd,
                                       bench.out), judge),
                Contender("qemu-img convert", _often(
                    "qemu-img", "convert", "-O", "vpc", "-o", "subformat=dynamic,force_size=on",
                    "--image-opts", real_disk.opened("vpc", small.vhd), bench.out), judge)],
               [Goal(OURS, cpu=STARTS * 0.02)])


def file_jobs(bench, mixed):
    """Jobs without a pool."""
    return [
        convert_job(bench, mixed, "File: VHD to VHD", "vpc", "vpc"),
        convert_job(bench, mixed, "File: VHD to raw", "vpc", "raw"),
        convert_job(bench, mixed, "File: raw to VHD", "raw", "vpc"),
        get_job(bench, mixed),
        put_job(bench, mixed),
        start_job(bench),
        small_job(bench),
    ]


def all_jobs(bench, mixed, sparse, huge):
    """Every job of a run."""
    own = bench.out + ".own"
    subprocess.run([bench.program, "copy", "--force", "-q", "--to", "tgz", mixed.vhd, own],
                   check=True, stdout=sys.stderr)
    title = "Export: a sparse disk of %d GiB"
    return [
        export_job(bench, mixed, "Export: VDI to image, mixed disk",
                   [Goal("os-xenapi, level 6", 25), Goal("curl to a file, tar, pigz -1", 7),
                    Goal("os-xenapi, level 6", size=1.05),
                    Goal("os-xenapi, level 6", 5, ours=DENSE),
                    Goal("curl to a file, tar, pigz -6", 3, ours=DENSE),
                    Goal("os-xenapi, level 6", size=1, ours=DENSE),
                    Goal("os-xenapi, level 6", 15, ours=ZSTD),
                    Goal("os-xenapi, level 6", size=1, ours=ZSTD)]),
        import_job(bench, mixed, "Import: image by Python and zlib to VDI, mixed disk",
                   goals=[Goal("os-xenapi", 3.5)]),
        import_job(bench, mixed, "Import: image by vhdstream to VDI, mixed disk", own,
                   goals=[Goal("os-xenapi", 5)]),
        *file_jobs(bench, mixed),
        export_job(bench, sparse, title % (sparse.size >> 30), slow=False),
        import_job(bench, sparse, "Import: a sparse disk of %d GiB" % (sparse.size >> 30)),
        export_job(bench, huge, title % (huge.size >> 30), slow=False),
        import_job(bench, huge, "Import: a sparse disk of %d GiB" % (huge.size >> 30)),
    ]
