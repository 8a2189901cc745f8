# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""The model against readers that are not ours.

A peer that the manifest does not call unable must read the file exactly as the model does.
With VHDSTREAM_CORPUS naming a full corpus these tests take a minute.
"""

import os

import pytest

import outside_judges
from chains import made
from vhd_fields import MIB
from vhd_reader import read_content


def _chain(folder, entry):
    return [os.path.join(folder, name) for name in [entry["path"]] + entry["parents"]]


def _wrong(corpus, peer, judge):
    folder, manifest = corpus
    wrong = []
    for entry in manifest["valid"]:
        if peer in entry["unable"]:
            continue
        chain = _chain(folder, entry)
        content = read_content(chain)
        assert content.digest() == entry["digest"]
        verdict = judge(chain, content)
        if verdict != "right":
            wrong.append((entry["name"], verdict))
    return wrong


@pytest.mark.skipif(not outside_judges.has_qemu(), reason="no qemu-img")
@pytest.mark.parametrize("peer, options", [("qemu-img", ""), (
    "qemu-img-current-size", "force_size_calc=current_size,")])
def test_qemu(corpus, tmp_path, peer, options):
    assert not _wrong(corpus, peer, lambda chain, content: outside_judges.qemu(
        chain[0], content, tmp_path, options))


@pytest.mark.skipif(not outside_judges.has_libvhdi(), reason="no libvhdi")
def test_libvhdi(corpus):
    assert not _wrong(corpus, "libvhdi", outside_judges.libvhdi)


@pytest.mark.skipif(not outside_judges.has_libvhdi(), reason="no libvhdi")
def test_libvhdi_reads_a_chain(tmp_path):
    """Whole blocks, the form of a chain that libvhdi reads rightly."""
    model = made("outside", 12 * MIB, 3, style="whole", writes=3)
    paths = model.save(str(tmp_path))
    for number in range(3):
        content = read_content(paths[number:])
        assert outside_judges.libvhdi(paths[number:], content) == "right"


@pytest.mark.skipif(not outside_judges.has_qemu(), reason="no qemu-img")
def test_qemu_refuses_some_broken_ones(corpus):
    """Not all: what it takes of them is told by the interop table, not here."""
    folder, manifest = corpus
    verdicts = {entry["name"]: outside_judges.qemu_opens(os.path.join(folder, entry["path"]))
                for entry in manifest["bad"]}
    for name in ("footer-checksum", "header-cookie", "poisoned"):
        assert not verdicts[name]
