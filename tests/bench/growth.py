#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""./dev bench GROWTH: how the cost of a copy grows with what it copies and how.

Writes docs/growth.md and its drawings. Files only, all in memory: it is the program's own cost
that is looked at. Each point is the median of three runs; the content was found right before.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.dirname(HERE))

import bench_disks                                              # noqa: E402
import bench_table                                              # noqa: E402
import measured_run                                             # noqa: E402
import real_disk                                                # noqa: E402

MIB, GIB = 1 << 20, 1 << 30
ROUNDS = 3
SIZES = (1, 4, 16, 64, 256, 1024, 2040)         # GiB
SHARES = (0, 1, 2, 4, 8, 12, 16)                # sixteenths of a disk
THREADS = (0, 1, 2, 4, 8)
CHUNKS = (64, 256, 512, 1024)                   # KiB
OWN_CHUNK = 512

HEAD = """<!-- SPDX-License-Identifier: Apache-2.0 -->
<!-- Copyright the vhdstream authors -->
# How cost grows

Written by `./dev bench GROWTH`. %s. A point is the median of %d runs, of files in
memory; peak memory is that of the process. A third of the data is random, two thirds are files
of /usr.
"""

SECTION = """## %(title)s

%(text)s

![%(title)s](%(picture)s)

%(table)s
"""

PLOT = """
set terminal svg size 760,300 font 'sans-serif,11' background '#ffffff'
set output '%(picture)s'
set multiplot layout 1,2
set key top left
set xlabel '%(axis)s'
set grid lc rgb '#dddddd'
%(scale)s
set yrange [0:*]
set ylabel '%(left)s'
plot %(left_lines)s
set ylabel '%(right)s'
plot %(right_lines)s
"""


class Path:
    """One of the ways that a disk can go; `made` is where it ends."""

    def __init__(self, name, source, kind):
        self.name, self.source, self.kind = name, source, kind

    def command(self, program, made, *options):
        return [program, "copy", "--force", "-q", "--to", self.kind, *options, self.source, made]


def paths(disk):
    return [Path("VHD to tar.gz", disk.vhd, "tgz"), Path("tar.gz to VHD", disk.own, "vhd"),
            Path("VHD to raw", disk.vhd, "raw")]


class Growth:
    """The program, a folder of disks, and what was measured so far."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.made = os.path.join(folder, "made")
        self.sections = []

    def disk(self, name, size, data):
        disk = bench_disks.filled_disk(self.folder, name, size, data)
        disk.own = os.path.join(self.folder, name + ".own")
        self._call(Path("", disk.vhd, "tgz").command(self.program, disk.own))
        for path in paths(disk):
            self._call(path.command(self.program, self.made))
            self._judge(path, disk)
        return disk

    def drop(self, disk):
        for path in (disk.raw, disk.vhd, disk.own):
            os.remove(path)

    def cost(self, path, *options, program=None):
        """(wall, CPU, peak, size of the output), medians."""
        command = path.command(program or self.program, self.made, *options)
        runs = []
        for _ in range(ROUNDS):
            done = measured_run.run(command)
            runs.append((done.wall, done.cpu, done.peak / MIB, os.stat(self.made).st_size / 1e6))
            os.remove(self.made)
        return [statistics.median(column) for column in zip(*runs)]

    def _call(self, command):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    def _judge(self, path, disk):
        """Raises unless what was made is the disk."""
        kind, made = {"tgz": ("vpc", self.made + ".vhd"), "vhd": ("vpc", self.made),
                      "raw": ("raw", self.made)}[path.kind]
        if path.kind == "tgz":
            real_disk.first_member(self.made, made, "pigz")
        if not real_disk.same_content(("raw", disk.raw), (kind, made)):
            raise measured_run.Failed("%s: another disk came out" % path.name)
        for file in {made, self.made}:
            os.remove(file)

    def add(self, name, title, text, axis, lines, columns=("CPU", "peak"), scale=""):
        """A section: lines is {line: [(x, (wall, CPU, peak, size))]}."""
        picture = "growth-%s.svg" % name
        plot(os.path.join(ROOT, "docs", picture), axis, lines, columns, scale)
        self.sections.append(SECTION % {"title": title, "text": text, "picture": picture,
                                        "table": table(axis, lines, columns)})
        print(self.sections[-1], flush=True)


COLUMNS = {"wall": (0, "wall, s", "%.2f"), "CPU": (1, "CPU, s", "%.2f"),
           "peak": (2, "peak memory, MiB", "%.1f"), "size": (3, "output, MB", "%.1f")}


def plot(picture, axis, lines, columns, scale):
    """Two drawings side by side, by gnuplot."""
    blocks, sides = [], []
    for number, (line, points) in enumerate(lines.items()):
        rows = "\n".join("%g %s" % (x, " ".join("%g" % v for v in cost)) for x, cost in points)
        blocks.append("$line%d << EOD\n%s\nEOD" % (number, rows))
    for column in columns:
        sides.append(", ".join("$line%d using 1:%d with linespoints pt 7 ps 0.5 title '%s'" % (
            number, COLUMNS[column][0] + 2, line) for number, line in enumerate(lines)))
    script = "\n".join(blocks) + PLOT % {
        "picture": picture, "axis": axis, "scale": scale,
        "left": COLUMNS[columns[0]][1], "left_lines": sides[0],
        "right": COLUMNS[columns[1]][1], "right_lines": sides[1]}
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


def table(axis, lines, columns):
    names = [COLUMNS[c] for c in columns]
    rows = ["| %s | %s |" % (axis, " | ".join("%s: %s" % (line, text)
                                              for line in lines for _, text, _ in names)),
            "|---|" + "---|" * (len(lines) * len(names))]
    for i, (x, _) in enumerate(next(iter(lines.values()))):
        cells = [form % lines[line][i][1][at] for line in lines for at, _, form in names]
        rows.append("| %g | %s |" % (x, " | ".join(cells)))
    return "\n".join(rows)


def by_disk(growth, cases):
    """{path: points} over disks; a case is (x, name, size, data)."""
    lines = {}
    for x, name, size, data in cases:
        disk = growth.disk(name, size, data)
        for path in paths(disk):
            lines.setdefault(path.name, []).append((x, growth.cost(path)))
        growth.drop(disk)
    return lines


def sizes(growth):
    cases = [(size, "size-%d" % size, size * GIB, 256 * MIB) for size in SIZES]
    growth.add("size", "With the size of the disk", "256 MiB of data, spread over all of it.",
               "GiB", by_disk(growth, cases), scale="set logscale x 2")


def shares(growth):
    cases = [(share / 16, "share-%d" % share, GIB, share * GIB // 16) for share in SHARES]
    growth.add("share", "With the share that is allocated", "A disk of 1 GiB.",
               "allocated share", by_disk(growth, cases))


def threads(growth, disk):
    lines = {path.name: [(n, growth.cost(path, "--threads", str(n))) for n in THREADS]
             for path in paths(disk)}
    growth.add("threads", "With the number of threads", "512 MiB of data. This machine has "
               "%d cores." % os.cpu_count(), "--threads", lines, ("wall", "peak"))


def chunks(growth, disk):
    """Of programs of their own: the size is no option."""
    lines = {"VHD to tar.gz": [], "the same, --level 6": []}
    path = paths(disk)[0]
    for size in CHUNKS:
        program = growth.program if size == OWN_CHUNK else build_with(size)
        for line, options in zip(lines, ((), ("--level", "6"))):
            lines[line].append((size, growth.cost(path, *options, program=program)))
    growth.add("chunk", "With the size of the compressor's chunks",
               "512 MiB of data; the program has 512 KiB.", "KiB", lines, ("CPU", "size"),
               "set logscale x 2")


def build_with(size):
    """The program with chunks of that many KiB."""
    folder = os.path.join(ROOT, "build", "growth", str(size))
    if not os.path.exists(os.path.join(folder, "build.ninja")):
        subprocess.run(["/usr/bin/meson", "setup", "--buildtype=release", "-Dtests=false",
                        "-Dc_args=-DDEFLATE_CHUNK_KIB=%d" % size, folder], cwd=ROOT, check=True,
                       stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "--quiet", "-C", folder], check=True, stdout=subprocess.DEVNULL)
    return os.path.join(folder, "cli", "vhdstream")


def main():
    program = os.environ.get("VHDSTREAM") or os.path.join(ROOT, "build", "vhdstream")
    folder = tempfile.mkdtemp(prefix="vhdstream-growth-", dir=bench_disks.scratch_root())
    growth = Growth(program, folder)
    try:
        sizes(growth)
        shares(growth)
        disk = growth.disk("mixed", 2 * GIB, 512 * MIB)
        threads(growth, disk)
        chunks(growth, disk)
    except measured_run.Failed as wrong:
        print("bench: %s" % wrong, file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder)
    head = HEAD % (bench_table.machine(), ROUNDS)
    with open(os.path.join(ROOT, "docs", "growth.md"), "w", encoding="utf-8") as file:
        file.write("\n".join([head] + growth.sections))
    return 0


if __name__ == "__main__":
    sys.exit(main())
