# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Our gzip is read by everybody's, and everybody's by ours."""

import gzip
import io
import shutil
import subprocess
import tarfile

import pytest
from other_tools import pipe

pytestmark = pytest.mark.of_others

NODE = ("const z = require('zlib').createGunzip();"
        "process.stdin.pipe(z).pipe(process.stdout)")
PERL = ("use IO::Uncompress::Gunzip qw(gunzip $GunzipError);"
        "gunzip '-' => '-', MultiStream => 0 or die $GunzipError")
READERS = {
    "gzip": ["gzip", "-dc"],
    "pigz": ["pigz", "-dc"],
    "busybox": ["busybox", "gunzip", "-c"],
    "7z": ["7z", "e", "-si", "-so", "-tgzip", "-bso0", "-bsp0"],
    "python": ["/usr/bin/python3", "-c", "import gzip, shutil, sys;"
               "shutil.copyfileobj(gzip.GzipFile(fileobj=sys.stdin.buffer), sys.stdout.buffer)"],
    "node": ["node", "-e", NODE],
    "perl": ["perl", "-e", PERL],
}

WRITERS = {
    "gzip -1": ["gzip", "-1c"],
    "gzip -9": ["gzip", "-9c"],
    "pigz": ["pigz", "-p", "2", "-c"],
    "pigz, independent blocks": ["pigz", "-i", "-p", "2", "-c"],
    "pigz -11": ["pigz", "-11", "-I", "1", "-c"],
    "busybox": ["busybox", "gzip", "-c"],
    "7z": ["7z", "a", "-si", "-so", "-tgzip", "-bso0", "-bsp0", "x"],
    "node": ["node", "-e", NODE.replace("createGunzip", "createGzip")],
}
JAVA = """
import java.util.zip.GZIPInputStream;
public class Gunzip {
    public static void main(String[] args) throws Exception {
        new GZIPInputStream(System.in).transferTo(System.out);
    }
}
"""


GO = """
package main
import ("compress/gzip"; "io"; "os")
func main() {
    z, err := gzip.NewReader(os.Stdin)
    if err != nil { panic(err) }
    z.Multistream(false)
    if _, err := io.Copy(os.Stdout, z); err != nil { panic(err) }
}
"""


@pytest.mark.parametrize("level", [1, 2, 6, 9])
@pytest.mark.parametrize("reader", READERS)
def test_everybody_reads_ours(streamtool, mixed, reader, level):
    packed = streamtool("gzip", level, 2, data=mixed)
    assert pipe(READERS[reader], packed) == mixed


@pytest.mark.parametrize("reader", ["gzip", "pigz"])
def test_the_testers_find_nothing(streamtool, mixed, reader):
    for data in (b"", b"x", bytes(3 << 20), mixed):
        for level in range(1, 10):
            pipe([reader, "-t"], streamtool("gzip", level, 2, data=data))


def test_java_reads_ours(streamtool, mixed, tmp_path):
    (tmp_path / "Gunzip.java").write_text(JAVA)
    packed = streamtool("gzip", 1, 2, data=mixed)
    if not shutil.which("java"):
        pytest.skip("no java")
    done = subprocess.run(["java", str(tmp_path / "Gunzip.java")], input=packed, timeout=120,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if b"compiler" in done.stderr:
        pytest.skip("no Java compiler")
    assert done.stdout == mixed


def test_go_reads_ours(streamtool, mixed, tmp_path):
    (tmp_path / "gunzip.go").write_text(GO)
    packed = streamtool("gzip", 6, 2, data=mixed)
    assert pipe(["go", "run", str(tmp_path / "gunzip.go")], packed) == mixed


@pytest.mark.parametrize("writer", WRITERS)
def test_ours_reads_everybodys(streamtool, mixed, writer):
    data = mixed[:200000] if "-11" in writer else mixed     # that one takes its time
    packed = pipe(WRITERS[writer], data)
    assert streamtool("gunzip", data=packed) == data
    assert "cut" in streamtool.error("gunzip", data=packed[:-1])


@pytest.mark.parametrize("threads", [0, 1, 2, 5])
def test_ours_reads_ours(streamtool, mixed, threads):
    for level in (1, 6):
        packed = streamtool("gzip", level, 2, data=mixed)
        assert streamtool("pool", threads, "gunzip", data=packed) == mixed
        assert streamtool("ahead", "pool", threads, "gunzip", data=packed) == mixed
        assert "cut" in streamtool.error("pool", threads, "gunzip", data=packed[:-1])


def test_ours_reads_several_members(streamtool, mixed):
    packed = gzip.compress(mixed) + gzip.compress(b"") + gzip.compress(b"end", 1)
    assert streamtool("gunzip", data=packed) == mixed + b"end"


def test_threads_do_not_show(streamtool, mixed):
    for level in (1, 6):
        packed = {streamtool("gzip", level, threads, data=mixed) for threads in (0, 1, 2, 5)}
        assert len(packed) == 1


def test_level_6_is_at_most_as_large_as_gzips(streamtool):
    with open("/bin/bash", "rb") as file:
        data = file.read()
    sizes = {level: len(streamtool("gzip", level, 2, data=data)) for level in (1, 6, 7, 9)}
    assert max(sizes[6], sizes[7], sizes[9]) <= len(pipe(["gzip", "-6c"], data))
    assert sizes[6] < sizes[1]


@pytest.mark.parametrize("mode", ["r|gz", "r:gz"])
def test_python_reads_our_images(streamtool, mixed, mode):
    packed = streamtool("gzip", 1, 2, "tar", "0.vhd", len(mixed), data=mixed)
    with tarfile.open(fileobj=io.BytesIO(packed), mode=mode) as tar:
        member = tar.next()
        assert (member.name, member.size) == ("0.vhd", len(mixed))
        assert tar.extractfile(member).read() == mixed
        assert tar.next() is None
