# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""An image with a digest.json is for everybody what it was without."""

import json
import subprocess
import tarfile

import pytest
from other_tools import pipe
from test_interop_os_xenapi import import_by_it, session    # noqa: F401

from disk_rig import MIB, noise, note_of, raw_file, read_raw

LIST = {
    "GNU tar": ["tar", "-tzf"],
    "bsdtar": ["bsdtar", "-tf"],
    "busybox": ["busybox", "tar", "-tzf"],
}
EXTRACT = {
    "GNU tar": ["tar", "-xzOf"],
    "bsdtar": ["bsdtar", "-xOf"],
    "busybox": ["busybox", "tar", "-xzOf"],
}


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    return raw_file(tmp_path_factory.mktemp("note") / "a.raw", 20 * MIB,
                    [(0, noise("n", 3 * MIB)), (13 * MIB + 512, noise("o", 5 * MIB))])


@pytest.fixture(scope="module")
def plain(program, disk):
    """The VHD that goes into the image, and has to be all that comes out."""
    program("copy", disk, disk.parent / "a.vhd")
    return (disk.parent / "a.vhd").read_bytes()


@pytest.fixture(scope="module", params=["tgz", "tar"])
def image(request, program, disk, plain):
    path = disk.parent / ("a." + request.param)
    program("copy", disk.parent / "a.vhd", path, "--verify")
    return path


def words(command, path):
    """A tar needs no z."""
    return [w.replace("z", "") if path.suffix == ".tar" and w[0] == "-" else w
            for w in command] + [str(path)]


@pytest.mark.parametrize("tool", LIST)
def test_others_list_one_member(plain, image, tool):
    assert pipe(words(LIST[tool], image), b"") == b"0.vhd\n"


@pytest.mark.parametrize("tool", EXTRACT)
def test_others_extract_all_that_is_in_it(plain, image, tool):
    """Without a name: all members, one after the other."""
    assert pipe(words(EXTRACT[tool], image), b"") == plain


@pytest.mark.parametrize("mode", ["r:", "r|"])
def test_pythons_tarfile_sees_one_member(plain, image, mode):
    with tarfile.open(image, mode + ("gz" if image.suffix == ".tgz" else "")) as tar:
        member = tar.next()
        assert member.name == "0.vhd" and tar.extractfile(member).read() == plain
        assert tar.next() is None


def test_gnu_tar_shows_it_when_told_to_go_on(plain, disk, image):
    text = pipe(words(["tar", "-xizOf"], image) + ["digest.json"], b"")
    assert json.loads(text) == note_of(disk.read_bytes())


def test_from_a_pipe_gnu_tar_reads_the_disk(plain, image):
    """It stops reading behind the end of the archive: of cat's end nothing is said."""
    pipeline = "cat %s | tar -x%sOf - | cmp - %s; exit ${PIPESTATUS[1]}${PIPESTATUS[2]}" \
        % (image, "z" if image.suffix == ".tgz" else "", image.with_name("a.vhd"))
    done = subprocess.run(["bash", "-c", pipeline], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_os_xenapi_imports_it(program, pool, session, disk, tmp_path):     # noqa: F811
    program("copy", disk, tmp_path / "o.tgz", "--verify")
    uuid = import_by_it(pool, session, tmp_path / "o.tgz")
    assert read_raw(pool.raw_path(uuid)) == read_raw(disk)
    entry, = [e for e in pool.sim.log() if e["kind"] == "import"]
    assert "error" not in entry
